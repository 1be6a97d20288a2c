/*
 * Binary traces made at random: ChampSim, vscsi and lcs, as real ones look, with what is rare in them.
 */

import type { Random } from "./random.ts";

/** Fields one after the other, little-endian. */
class Writer {
  readonly #bytes: number[] = [];

  put(width: number, value: number | bigint): this {
    let rest = BigInt.asUintN(8 * width, BigInt(value));
    for (let index = 0; index < width; index += 1) {
      this.#bytes.push(Number(rest & 0xffn));
      rest >>= 8n;
    }
    return this;
  }

  get buffer(): Buffer {
    return Buffer.from(this.#bytes);
  }
}

function join(random: Random, count: number, record: (writer: Writer, index: number) => void): Buffer {
  const records = Array.from({ length: count }, (_, index) => {
    const writer = new Writer();
    // Whole records are repeated, so that runs are longer than one.
    record(writer, index);
    return Array.from({ length: random.chance(0.1) ? random.between(1, 20) : 1 }, () => writer.buffer);
  });
  return Buffer.concat(records.flat());
}

/** Instructions that follow one another, with jumps; a few operands, in any slot. */
export function makeChampsim(random: Random, count: number, cloudsuite: boolean): Buffer {
  let ip = 0x401000n;
  let space = 1;
  const operand = () => {
    if (!random.chance(0.15)) return 0n;
    if (random.chance(0.1)) return 0xffff_8880_0000_0000n + BigInt(random.below(1 << 20));
    return random.pick([0x7ffe_0000_0000n, 0x60_0000n]) + BigInt(random.below(40_000));
  };
  return join(random, count, (writer) => {
    ip += BigInt(random.between(1, 9));
    const isBranch = random.chance(0.15);
    const taken = isBranch && random.chance(0.6);
    if (random.chance(0.02)) space = random.pick([1, 2, 4094]);
    writer.put(8, ip).put(1, Number(isBranch)).put(1, Number(taken));
    for (let register = 0; register < (cloudsuite ? 8 : 6); register += 1) writer.put(1, random.below(64));
    if (cloudsuite) writer.put(6, 0);
    for (let slot = 0; slot < (cloudsuite ? 8 : 6); slot += 1) writer.put(8, operand());
    if (cloudsuite) writer.put(2, space).put(6, 0);
    if (taken) ip = 0x400000n + BigInt(random.below(3)) * 0x3000n;
  });
}

const COMMANDS = [0x28, 0x28, 0x2a, 0x2a, 0x08, 0x0a, 0x88, 0x8a, 0xa8, 0xaa, 0x35, 0x00, 0x25];

export interface VscsiOptions {
  version: 1 | 2;
  /** Most bytes of a request. */
  bytesMax?: number;
}

export function makeVscsi(
  random: Random,
  count: number,
  { version, bytesMax = 70_000 }: VscsiOptions,
): Buffer {
  let lbn = 2048n;
  let time = 1_000_000;
  return join(random, count, (writer, index) => {
    const command = random.pick(COMMANDS);
    const length = random.pick([512, 4096, random.below(bytesMax), 0, bytesMax]);
    const written = (version << 8) | random.below(3);
    if (random.chance(0.6)) lbn = BigInt(random.below(1 << 16));
    else lbn += 8n;
    time += random.below(500);
    if (version === 2) writer.put(2, command).put(2, written);
    writer.put(4, index).put(4, length).put(4, 1);
    if (version === 1) writer.put(2, command).put(2, written);
    writer.put(8, lbn).put(8, time);
    if (version === 2) writer.put(8, random.below(900));
  });
}

export const LCS_MAGIC = 0x123456789abcdef0n;

/** lcs of a version, behind its header of 8192 bytes. */
export function makeLcs(random: Random, count: number, version: number): Buffer {
  const header = Buffer.alloc(8192);
  header.writeBigUInt64LE(LCS_MAGIC, 0);
  header.writeBigUInt64LE(BigInt(version), 8);
  header.writeBigInt64LE(BigInt(count), 16);
  header.writeBigUInt64LE(LCS_MAGIC, 8184);
  const features = version < 4 ? 0 : 2 ** (version - 4);
  const records = join(random, count, (writer, index) => {
    writer
      .put(4, index >> 3)
      .put(8, objectOf(random))
      .put(version < 3 ? 4 : 8, sizeOf(random));
    if (version > 1) writer.put(1, random.below(15)).put(3, random.below(9));
    if (version > 2) writer.put(4, random.below(1000));
    writer.put(8, random.chance(0.3) ? -1 : index + random.between(1, 99));
    for (let feature = 0; feature < features; feature += 1) writer.put(4, random.below(2 ** 32));
  });
  return Buffer.concat([header, records]);
}

/** The fields of the old header, by their numbers from 1 on; 0 for none. */
export interface OldLcs {
  letters: string;
  object: number;
  size: number;
  operation?: number;
}

const WIDTHS: Record<string, number> = { b: 1, c: 1, h: 2, i: 4, l: 4, f: 4, q: 8, d: 8 };

/** lcs behind its old header of 1024 bytes. */
export function makeOldLcs(random: Random, count: number, fields: OldLcs): Buffer {
  const { letters, object, size, operation = 0 } = fields;
  const widths = [...letters].map((letter) => WIDTHS[letter.toLowerCase()] as number);
  const header = Buffer.alloc(1024);
  header.writeBigUInt64LE(LCS_MAGIC, 0);
  header.write(`<${letters}`, 8, "latin1");
  header[248] = object;
  header[249] = size;
  header[253] = operation;
  header.writeUInt32LE(letters.length, 1000);
  header.writeUInt32LE(
    widths.reduce((sum, width) => sum + width, 0),
    1004,
  );
  header.writeBigUInt64LE(LCS_MAGIC, 1016);
  const records = join(random, count, (writer) => {
    for (const [index, width] of widths.entries()) {
      const isOperation = index + 1 === operation;
      const value =
        index + 1 === size ? random.below(100) : isOperation ? random.below(15) : objectOf(random);
      writer.put(width, value);
    }
  });
  return Buffer.concat([header, records]);
}

/** oracleGeneralOpNS. */
export function makeOracleGeneralOperations(random: Random, count: number): Buffer {
  return join(random, count, (writer, index) => {
    writer
      .put(4, index >> 2)
      .put(8, objectOf(random))
      .put(4, sizeOf(random));
    writer
      .put(1, random.below(15))
      .put(2, random.below(5))
      .put(8, index + 1 + random.below(50));
  });
}

function objectOf(random: Random): bigint {
  return random.chance(0.5) ? BigInt(random.below(6)) : (BigInt(random.below(2 ** 32)) << 32n) | 7n;
}

function sizeOf(random: Random): number {
  return random.chance(0.1) ? 0 : random.between(1, 9000);
}
