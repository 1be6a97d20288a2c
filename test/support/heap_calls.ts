/*
 * Random calls of malloc and its relatives, and what this computer's own malloc does with them: a C program
 * (native/heap_calls.c) makes the calls and tells the addresses.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CALL_KINDS, type CallKind, type HeapCall } from "../../src/engine/heap.ts";
import { Random } from "./random.ts";

/** A call of the block in a slot; `alignment` is memalign's. */
export interface SlotCall {
  kind: CallKind;
  slot: number;
  size: number;
  alignment: number;
}

/** What the sizes of blocks are like. */
export interface HeapProfile {
  name: string;
  slots: number;
  calls: number;
  size(random: Random): number;
  /** Shares of calls that are not malloc or free. */
  calloc?: number;
  realloc?: number;
  memalign?: number;
}

/** As many small ones as in most programs, and a few of every size up to `largest`. */
function anySize(random: Random, largest: number): number {
  return Math.floor(2 ** (random.next() * Math.log2(largest)));
}

export const PROFILES: HeapProfile[] = [
  { name: "tiny blocks", slots: 300, calls: 20_000, size: (random) => random.below(200) },
  { name: "small blocks", slots: 1000, calls: 30_000, size: (random) => random.below(1100), realloc: 0.1 },
  { name: "one size in ten", slots: 500, calls: 30_000, size: (random) => 24 + 16 * random.below(10) },
  {
    name: "blocks of the large bins",
    slots: 400,
    calls: 30_000,
    size: (random) => 900 + random.below(60_000),
    realloc: 0.1,
    calloc: 0.1,
  },
  {
    name: "few sizes of the large bins",
    slots: 600,
    calls: 30_000,
    size: (random) => 1024 + 512 * random.below(12),
  },
  {
    name: "all sizes",
    slots: 800,
    calls: 40_000,
    size: (random) => anySize(random, 4e6),
    realloc: 0.15,
    calloc: 0.1,
    memalign: 0.05,
  },
  {
    name: "around the mmap threshold",
    slots: 60,
    calls: 10_000,
    size: (random) => random.between(100_000, 300_000),
    realloc: 0.3,
    memalign: 0.1,
  },
  {
    name: "huge blocks",
    slots: 20,
    calls: 3000,
    size: (random) => anySize(random, 6e7),
    realloc: 0.3,
  },
];

/**
 * Calls that are right: what is freed or reallocated is allocated. The share of frees swings, so that the
 * heap grows and shrinks.
 */
export function randomCalls(profile: HeapProfile, seed: number): SlotCall[] {
  const random = new Random(seed);
  const { slots, calls: count, size, calloc = 0, realloc = 0, memalign = 0 } = profile;
  const isLive = new Array<boolean>(slots).fill(false);
  const calls: SlotCall[] = [];
  let fullness = 0.5;
  while (calls.length < count) {
    if (random.chance(0.001)) fullness = random.next();
    const slot = random.below(slots);
    if (!isLive[slot]) {
      if (!random.chance(fullness)) continue;
      const draw = random.next();
      const kind = draw < calloc ? "calloc" : draw < calloc + memalign ? "memalign" : "malloc";
      const alignment = random.chance(0.9) ? 2 ** random.below(13) : random.between(1, 4096);
      calls.push({ kind, slot, size: size(random), alignment });
      isLive[slot] = true;
    } else if (random.chance(realloc)) {
      const newSize = random.chance(0.02) ? 0 : size(random);
      calls.push({ kind: "realloc", slot, size: newSize, alignment: 0 });
      isLive[slot] = newSize > 0;
    } else if (!random.chance(fullness)) {
      calls.push({ kind: "free", slot, size: 0, alignment: 0 });
      isLive[slot] = false;
    }
  }
  return calls;
}

/** The calls as the engine takes them: the block of slot n is n + 1. */
export function engineCalls(calls: readonly SlotCall[]): HeapCall[] {
  const isLive = new Set<number>();
  return calls.map(({ kind, slot, size, alignment }, index) => {
    const block = BigInt(slot + 1) << 4n;
    const line = index + 1;
    const wasLive = isLive.has(slot);
    if (kind === "free" || (kind === "realloc" && size === 0 && wasLive)) isLive.delete(slot);
    else isLive.add(slot);
    if (kind === "realloc") {
      return { kind, block: wasLive ? block : 0n, size, other: isLive.has(slot) ? block : 0n, line };
    }
    return { kind, block, size, other: kind === "memalign" ? BigInt(alignment) : 0n, line };
  });
}

export interface NativeRun {
  /** What each call gave. */
  results: number[];
  /** The program break before. */
  start: number;
  /** Where mappings are placed below. */
  mapTop: number;
  /** mallinfo2(3). */
  info: Record<(typeof MALLINFO)[number], number>;
}

const MALLINFO = [
  "arena",
  "ordblks",
  "smblks",
  "hblks",
  "hblkhd",
  "usmblks",
  "fsmblks",
  "uordblks",
  "fordblks",
  "keepcost",
] as const;

/** This computer's C library if it is the GNU one, as "2.36". */
export function hostGlibc(): string | undefined {
  const { stdout } = spawnSync("getconf", ["GNU_LIBC_VERSION"], { encoding: "utf8" });
  return /^glibc (\d+\.\d+)/.exec(stdout ?? "")?.[1];
}

/** Compiles the C program; undefined where there is no compiler. */
export function nativeHeap():
  | { run(calls: readonly SlotCall[], tunables?: string): NativeRun; close(): void }
  | undefined {
  const folder = mkdtempSync(join(tmpdir(), "clockhand-heap-"));
  const close = () => rmSync(folder, { recursive: true, force: true });
  const program = join(folder, "heap_calls");
  const source = fileURLToPath(new URL("native/heap_calls.c", import.meta.url));
  if (spawnSync("gcc", ["-O1", "-w", "-o", program, source]).status !== 0) {
    close();
    return undefined;
  }
  return { run: (calls, tunables = "") => runNative(program, calls, tunables), close };
}

function runNative(program: string, calls: readonly SlotCall[], tunables: string): NativeRun {
  const input = new DataView(new ArrayBuffer(24 * calls.length));
  for (const [index, { kind, slot, size, alignment }] of calls.entries()) {
    input.setUint32(24 * index, CALL_KINDS.indexOf(kind), true);
    input.setUint32(24 * index + 4, slot, true);
    input.setBigUint64(24 * index + 8, BigInt(size), true);
    input.setBigUint64(24 * index + 16, BigInt(alignment), true);
  }
  const output = execFileSync(program, {
    input: new Uint8Array(input.buffer),
    env: { ...process.env, GLIBC_TUNABLES: tunables },
    maxBuffer: 2 ** 30,
  });
  const numbers = Array.from({ length: output.length / 8 }, (_, at) =>
    Number(output.readBigUInt64LE(8 * at)),
  );
  const info = MALLINFO.map((name, index) => [name, numbers[calls.length + 2 + index]]);
  return {
    results: numbers.slice(0, calls.length),
    start: numbers[calls.length] as number,
    mapTop: numbers[calls.length + 1] as number,
    info: Object.fromEntries(info) as NativeRun["info"],
  };
}
