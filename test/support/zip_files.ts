/*
 * Zip archives, written as PKWARE's APPNOTE.TXT 6.3 describes them, whole or with a lie in them.
 */

import { crc32, deflateRawSync } from "node:zlib";

export interface ZipFile {
  name: string;
  content: Uint8Array;
  /** 0 stores, 8 deflates; any other is written as it is, over deflated content. */
  method?: number;
  /** What the directory says instead of the truth. */
  claims?: { crc?: number; bytes?: number; flags?: number };
}

const MASK_32 = 0xffffffff;

const known = new WeakMap<Uint8Array, Buffer>();

/** Deflates a content once, however many files have it. */
function deflated(content: Uint8Array): Buffer {
  const data = known.get(content) ?? deflateRawSync(content);
  known.set(content, data);
  return data;
}

/** `zip64` writes all sizes and offsets of the directory with 64 bits. */
export function zipOf(files: readonly ZipFile[], zip64 = false): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, method = 8, claims = {} } of files) {
    const data = method === 0 ? Buffer.from(content) : deflated(content);
    const { crc = crc32(content), bytes = content.length, flags = 0 } = claims;
    const label = Buffer.from(name);
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(45, 0);
    shared.writeUInt16LE(flags, 2);
    shared.writeUInt16LE(method, 4);
    shared.writeUInt32LE(crc, 10);
    shared.writeUInt32LE(data.length, 14);
    shared.writeUInt32LE(bytes, 18);
    shared.writeUInt16LE(label.length, 22);
    parts.push(bytesOf(0x04034b50), shared, label, data);

    const entry = Buffer.alloc(42);
    shared.copy(entry, 2);
    const extra = zip64 ? extraOf(bytes, data.length, offset) : Buffer.alloc(0);
    entry.writeUInt32LE(zip64 ? MASK_32 : offset, 38);
    if (zip64) for (const at of [16, 20]) entry.writeUInt32LE(MASK_32, at);
    entry.writeUInt16LE(extra.length, 26);
    directory.push(bytesOf(0x02014b50), entry, label, extra);
    offset += 4 + shared.length + label.length + data.length;
  }
  const entries = Buffer.concat(directory);
  return Buffer.concat([...parts, entries, endOf(files.length, entries.length, offset, zip64)]);
}

function endOf(files: number, directoryBytes: number, offset: number, zip64: boolean): Buffer {
  const end = Buffer.alloc(18);
  end.writeUInt16LE(zip64 ? 0xffff : files, 4);
  end.writeUInt16LE(zip64 ? 0xffff : files, 6);
  end.writeUInt32LE(zip64 ? MASK_32 : directoryBytes, 8);
  end.writeUInt32LE(zip64 ? MASK_32 : offset, 12);
  const plain = Buffer.concat([bytesOf(0x06054b50), end]);
  if (!zip64) return plain;
  const long = Buffer.alloc(52);
  long.writeBigUInt64LE(44n, 0);
  for (const at of [20, 28]) long.writeBigUInt64LE(BigInt(files), at);
  long.writeBigUInt64LE(BigInt(directoryBytes), 36);
  long.writeBigUInt64LE(BigInt(offset), 44);
  const locator = Buffer.alloc(16);
  locator.writeBigUInt64LE(BigInt(offset + directoryBytes), 4);
  locator.writeUInt32LE(1, 12);
  return Buffer.concat([bytesOf(0x06064b50), long, bytesOf(0x07064b50), locator, plain]);
}

function extraOf(bytes: number, compressedBytes: number, offset: number): Buffer {
  const extra = Buffer.alloc(28);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(24, 2);
  [bytes, compressedBytes, offset].forEach((value, index) => {
    extra.writeBigUInt64LE(BigInt(value), 4 + 8 * index);
  });
  return extra;
}

function bytesOf(word: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(word);
  return bytes;
}
