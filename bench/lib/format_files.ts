/** Accesses as other tools write them, and files that repeat them up to a wanted length. */

import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type Accesses, FETCH, STORE } from "./accesses.ts";
import { dataFile } from "./paths.ts";

/** What stands once at the start and the end of a file, and what is repeated between. */
export interface Content {
  head?: Uint8Array;
  body: Uint8Array;
  tail?: Uint8Array;
  /** Changes the body for its next repetition, the first included. */
  prepare?: () => void;
  /** Lines, records, or instructions of the body. */
  items: number;
}

/** A file of at least `bytes` bytes, and its items. */
export function fileOf(name: string, { head, body, tail, prepare, items }: Content, bytes: number) {
  const path = dataFile(name);
  const file = openSync(path, "w");
  const times = Math.max(1, Math.ceil(bytes / body.length));
  if (head !== undefined) writeSync(file, head);
  for (let time = 0; time < times; time++) {
    prepare?.();
    writeSync(file, body);
  }
  if (tail !== undefined) writeSync(file, tail);
  closeSync(file);
  return { path, items: items * times };
}

/** Such a trace of DynamoRIO's as files for an archive, a body each. */
export function chunksOf(
  folder: string,
  { head = NONE, body, tail = NONE, prepare }: Content,
  count: number,
) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (let chunk = 0; chunk < count; chunk++) {
    prepare?.();
    const footer = records([[28, 21, chunk]]);
    const parts = [chunk === 0 ? head : NONE, body, footer, chunk === count - 1 ? tail : NONE];
    writeFileSync(join(folder, `chunk.${`${chunk}`.padStart(4, "0")}`), Buffer.concat(parts));
  }
}

export function din(accesses: Accesses): Content {
  return lines(accesses, (kind, address) => `${kind === FETCH ? 2 : kind - 1} ${address.toString(16)}\n`);
}

/** Without fetches, whose addresses stand before those of the data. */
export function pinatrace(accesses: Accesses): Content {
  let instruction = 0;
  return lines(accesses, (kind, address) => {
    if (kind === FETCH) instruction = address;
    else return `0x${instruction.toString(16)}: ${kind === STORE ? "W" : "R"} 0x${address.toString(16)}\n`;
    return "";
  });
}

export function address(accesses: Accesses): Content {
  return lines(accesses, (kind, at) =>
    kind === FETCH ? "" : `${kind === STORE ? "s" : "l"} 0x${at.toString(16)} 1\n`,
  );
}

export function ids(numbers: Uint32Array): Content {
  const parts: string[] = [];
  for (let from = 0; from < numbers.length; from += LINES_AT_ONCE) {
    parts.push(`${numbers.subarray(from, from + LINES_AT_ONCE).join("\n")}\n`);
  }
  return { body: Buffer.concat(parts.map((part) => Buffer.from(part))), items: numbers.length };
}

/** DynamoRIO's offline trace of one thread, as version 7 has it, with the time every so many instructions. */
export function drmemtrace({ count, kinds, addresses, sizes }: Accesses, thread: number): Content {
  const head = records([
    [25, 0, 7],
    [28, 12, 7],
    [28, 9, 0xe40],
    [22, 4, thread],
    [24, 4, PID],
  ]);
  const tail = records([
    [23, 4, thread],
    [26, 0, 0],
  ]);
  const stamps: number[] = [];
  const all: [type: number, size: number, value: number][] = [];
  let instructions = 0;
  for (let index = 0; index < count; index++) {
    const kind = kinds[index] as number;
    if (kind === FETCH && instructions++ % TIME_EVERY === 0) {
      stamps.push(all.length * RECORD_BYTES + 4);
      all.push([28, 2, 0], [28, 3, 0]);
    }
    all.push([DR_TYPES[kind] as number, sizes[index] as number, addresses[index] as number]);
  }
  const body = records(all);
  let time = thread;
  const prepare = () => {
    for (const at of stamps) {
      time += 10;
      writeAddress(body, at, time);
    }
  };
  return { head, body, tail, prepare, items: all.length };
}

/** ChampSim's instructions, with the first of the accesses that follow their fetch. */
export function champsim({ count, kinds, addresses }: Accesses): Content {
  const instructions = kinds.reduce((sum, kind) => sum + Number(kind === FETCH), 0);
  const body = Buffer.alloc(instructions * 64);
  let at = -64;
  let slots = [0, 0];
  for (let index = 0; index < count; index++) {
    const kind = kinds[index] as number;
    if (kind === FETCH) {
      at += 64;
      slots = [2, 4];
      writeAddress(body, at, addresses[index] as number);
      continue;
    }
    const isStore = kind === STORE;
    const left = slots[isStore ? 0 : 1] as number;
    if (at < 0 || left === 0) continue;
    slots[isStore ? 0 : 1] = left - 1;
    writeAddress(
      body,
      at + (isStore ? 16 + 8 * (2 - left) : 32 + 8 * (4 - left)),
      addresses[index] as number,
    );
  }
  return { body, items: instructions };
}

/** libCacheSim's requests, of one size and with no next access. */
export function oracleGeneral(numbers: Uint32Array): Content {
  const body = Buffer.alloc(numbers.length * 24);
  numbers.forEach((id, index) => {
    body.writeUInt32LE(index >>> 10, index * 24);
    body.writeUInt32LE(id, index * 24 + 4);
    body.writeUInt32LE(4096, index * 24 + 12);
    body.fill(0xff, index * 24 + 16, index * 24 + 24);
  });
  return { body, items: numbers.length };
}

// --- internal ---

const NONE = new Uint8Array(0);
const LINES_AT_ONCE = 1 << 16;
const RECORD_BYTES = 12;
const PID = 100;
const TIME_EVERY = 10_000;
/** Of a fetch, a load, a store: trace_type_t. */
const DR_TYPES = [10, 0, 1];

function lines(
  { count, kinds, addresses }: Accesses,
  line: (kind: number, address: number) => string,
): Content {
  const parts: Buffer[] = [];
  let items = 0;
  for (let from = 0; from < count; from += LINES_AT_ONCE) {
    let text = "";
    for (let index = from; index < Math.min(count, from + LINES_AT_ONCE); index++) {
      const next = line(kinds[index] as number, addresses[index] as number);
      text += next;
      items += Number(next !== "");
    }
    parts.push(Buffer.from(text));
  }
  return { body: Buffer.concat(parts), items };
}

function records(all: [type: number, size: number, value: number][]): Buffer {
  const bytes = Buffer.alloc(all.length * RECORD_BYTES);
  all.forEach(([type, size, value], index) => {
    bytes.writeUInt16LE(type, index * RECORD_BYTES);
    bytes.writeUInt16LE(size, index * RECORD_BYTES + 2);
    writeAddress(bytes, index * RECORD_BYTES + 4, value);
  });
  return bytes;
}

function writeAddress(bytes: Buffer, at: number, address: number): void {
  bytes.writeUInt32LE(address >>> 0, at);
  bytes.writeUInt32LE(Math.floor(address / 2 ** 32), at + 4);
}
