/*
 * Touches as the engine takes them: page runs in the columns of its run buffer, replayed block by block.
 *
 * A run is consecutive references of one kind to one page; assembly/core/runs.ts draws its bits:
 * tag u64 = asid << 52 | vpn, attr u16 = (references - 1) << 2 | kind.
 */

import { Engine, type EngineSetup } from "../../src/engine/engine.ts";
import { type ChosenPolicy, KINDS, type PageTableShape, type TlbGeometry } from "../../src/types.ts";
import type { Touch } from "../reference/types.ts";

export const RUN_REFERENCES_MAX = 16384;
/** The next use of a run whose page is not referenced again. */
export const NEVER = 1n << 62n;
const ASID_SHIFT = 52n;

export interface Run {
  tag: bigint;
  /** Place in KINDS. */
  kind: number;
  references: number;
}

/** The whole 52 bits of a vpn, for page tables that only intern. */
export const EVERY_ADDRESS: PageTableShape = { levelBits: [7, 9, 9, 9, 9, 9], signExtended: false };

export function unfolded(touches: readonly Touch[]): Run[] {
  return touches.map(({ asid, vpn, kind }) => ({
    tag: (BigInt(asid) << ASID_SHIFT) | vpn,
    kind: KINDS.indexOf(kind),
    references: 1,
  }));
}

export function folded(touches: readonly Touch[]): Run[] {
  const runs: Run[] = [];
  for (const run of unfolded(touches)) {
    const last = runs.at(-1);
    const fits = last !== undefined && last.references < RUN_REFERENCES_MAX;
    if (fits && last.tag === run.tag && last.kind === run.kind) last.references += 1;
    else runs.push(run);
  }
  return runs;
}

/** Writes `runs` into the first places of the run buffer. */
export function writeRuns(engine: Engine, runs: readonly Run[]): void {
  const tags = new BigUint64Array(runs.map((run) => run.tag));
  const attrs = new Uint16Array(runs.map((run) => ((run.references - 1) << 2) | run.kind));
  engine.column("tags", runs.length).set(bytesOf(tags));
  engine.column("attrs", runs.length).set(bytesOf(attrs));
}

/** What is in the first `count` places of the run buffer. */
export function readRuns(engine: Engine, count: number): Run[] {
  const tags = new BigUint64Array(engine.column("tags", count).slice().buffer);
  const attrs = new Uint16Array(engine.column("attrs", count).slice().buffer);
  return Array.from(tags, (tag, index) => ({
    tag,
    kind: attrs[index]! & 3,
    references: (attrs[index]! >> 2) + 1,
  }));
}

/** The references of runs again, one by one. */
export function touchesOf(runs: readonly Run[]): Touch[] {
  return runs.flatMap(({ tag, kind, references }) => {
    const asid = Number(tag >> ASID_SHIFT);
    const touch = { asid, vpn: tag & ((1n << ASID_SHIFT) - 1n), kind: KINDS[kind]! };
    return Array.from({ length: references }, () => touch);
  });
}

/** The page ids of runs, by first touch, as the engine's page table gives them. */
export function internedIds(module: WebAssembly.Module, runs: readonly Run[]): Uint32Array {
  const engine = new Engine(module, {
    runs: { capacity: runs.length, interned: true, clairvoyant: false },
    pageTable: EVERY_ADDRESS,
    pages: runs.length,
  });
  writeRuns(engine, runs);
  engine.intern(runs.length);
  return new Uint32Array(engine.column("ids", runs.length).slice().buffer);
}

/** The next use of every run by the engine's backward pass, in blocks of `blockRuns` from the last on. */
export function nextUses(module: WebAssembly.Module, ids: Uint32Array, blockRuns: number): BigUint64Array {
  const engine = new Engine(module, {
    runs: { capacity: blockRuns, interned: true, clairvoyant: true },
    pages: ids.length,
    nextUse: true,
  });
  const uses = new BigUint64Array(ids.length);
  for (let end = ids.length; end > 0; end -= blockRuns) {
    const start = Math.max(0, end - blockRuns);
    const count = end - start;
    engine.column("ids", count).set(bytesOf(ids.slice(start, end)));
    engine.core.computeNextUse(count, start);
    uses.set(new BigUint64Array(engine.column("futures", count).slice().buffer), start);
  }
  return uses;
}

/** The same, by looking for the next run on the same page. */
export function naiveNextUses(ids: Uint32Array): BigUint64Array {
  const next = (id: number, run: number) => ids.indexOf(id, run + 1);
  return BigUint64Array.from(ids, (id, run) => (next(id, run) < 0 ? NEVER : BigInt(next(id, run))));
}

/** Everything that a run counts. */
export interface Counters {
  references: number;
  minor: number;
  major: number;
  evictions: number;
  writebacks: number;
  resident: number;
  tlbs: { misses: number; invalidated: number }[];
  walks: number;
  walkReferences: number;
  history: { window_references: number; minor: number[]; major: number[] };
}

export interface ReplayMachine {
  frames: number;
  policy: ChosenPolicy;
  pageTable: PageTableShape;
  walkCaches: number[];
  rootInRegisters: boolean;
  tlbs: TlbGeometry[];
  accessedByWalk: boolean;
  seed: number;
  /** Default 1. */
  cores?: number;
}

/** A machine that does nothing to speak of, for runs in which only the policy matters. */
export const BARE: Omit<ReplayMachine, "frames" | "policy"> = {
  pageTable: EVERY_ADDRESS,
  walkCaches: [],
  rootInRegisters: false,
  tlbs: [{ name: "L1", entries: 1, ways: 1, policy: "lru" }],
  accessedByWalk: false,
  seed: 1,
};

export interface Blocks {
  /** How many runs each block has, the last number again and again; default: one block. */
  blockRuns?: readonly number[];
  /** With the block's number. */
  beforeBlock?: (engine: Engine, block: number) => void;
  afterBlock?: (engine: Engine) => void;
}

/** Replays runs through TLBs, walks and frames. */
export function replayMachine(
  module: WebAssembly.Module,
  runs: readonly Run[],
  machine: ReplayMachine,
  blocks: Blocks = {},
): Counters {
  const { policy, pageTable, frames, seed, walkCaches, rootInRegisters, tlbs, accessedByWalk, cores } =
    machine;
  const engine = new Engine(module, {
    runs: { capacity: Math.max(1, runs.length), interned: false, clairvoyant: policy.clairvoyant },
    memory: { frames, policy },
    mmu: { walkCaches, rootInRegisters, tlbs, accessedByWalk, cores },
    pageTable,
    pages: runs.length,
    seed,
  });
  const futures = policy.clairvoyant ? futuresOf(module, runs) : undefined;
  eachBlock(runs.length, blocks, engine, (start, end) => {
    writeRuns(engine, runs.slice(start, end));
    if (futures !== undefined) writeFutures(engine, futures.slice(start, end));
    engine.replay(end - start);
  });
  return countersOf(engine);
}

export interface Lab {
  frames: number;
  policy: ChosenPolicy;
  seed: number;
}

/** Replays runs by their page ids, without an MMU. */
export function replayLab(
  module: WebAssembly.Module,
  runs: readonly Run[],
  { frames, policy, seed }: Lab,
  blocks: Blocks = {},
): Counters {
  const setup: EngineSetup = {
    runs: { capacity: Math.max(1, runs.length), interned: true, clairvoyant: policy.clairvoyant },
    memory: { frames, policy },
    pages: runs.length,
    seed,
  };
  const engine = new Engine(module, setup);
  const ids = idsOf(module, runs);
  const futures = policy.clairvoyant ? futuresOf(module, runs) : undefined;
  eachBlock(runs.length, blocks, engine, (start, end) => {
    writeRuns(engine, runs.slice(start, end));
    engine.column("ids", end - start).set(bytesOf(ids.slice(start, end)));
    if (futures !== undefined) writeFutures(engine, futures.slice(start, end));
    engine.core.replayInterned(end - start);
  });
  return countersOf(engine);
}

/** What a run leaves out when it has no MMU. */
export function pagingOf({ references, minor, major, evictions, writebacks, resident, history }: Counters) {
  return { references, minor, major, evictions, writebacks, resident, history };
}

/** Ids and futures of an array of runs, computed once, for one is often replayed by many policies. */
const idsOf = oncePerRuns(internedIds);
const futuresOf = oncePerRuns((module, runs) => nextUses(module, idsOf(module, runs), 1000));

function oncePerRuns<T extends object>(compute: (module: WebAssembly.Module, runs: readonly Run[]) => T) {
  const computed = new WeakMap<WebAssembly.Module, WeakMap<readonly Run[], T>>();
  return (module: WebAssembly.Module, runs: readonly Run[]): T => {
    const known = computed.get(module) ?? new WeakMap<readonly Run[], T>();
    computed.set(module, known);
    const result = known.get(runs) ?? compute(module, runs);
    known.set(runs, result);
    return result;
  };
}

function writeFutures(engine: Engine, futures: BigUint64Array): void {
  engine.column("futures", futures.length).set(bytesOf(futures));
}

function eachBlock(
  runs: number,
  { blockRuns = [runs], beforeBlock, afterBlock }: Blocks,
  engine: Engine,
  replay: (start: number, end: number) => void,
): void {
  let start = 0;
  for (let block = 0; start < runs; block += 1) {
    const end = Math.min(runs, start + (blockRuns[block] ?? blockRuns.at(-1)!));
    beforeBlock?.(engine, block);
    replay(start, end);
    afterBlock?.(engine);
    start = end;
  }
}

function countersOf(engine: Engine): Counters {
  const { core } = engine;
  return {
    references: core.references(),
    minor: core.minorFaults(),
    major: core.majorFaults(),
    evictions: core.evictions(),
    writebacks: core.writebacks(),
    resident: core.residentPages(),
    tlbs: engine.tlbCounts(),
    walks: core.walks(),
    walkReferences: core.walkReferences(),
    history: engine.history(),
  };
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
