/**
 * The engine as TypeScript sees it: what a run needs is set up once, then buffers move in and counters come
 * out.
 *
 * Setting up is a chain of reservations that ends in one `commit`, the only point at which memory is taken;
 * see assembly/layout.ts. Addresses come out of the loader as signed numbers, hence the `>>> 0`.
 */

import { UserError } from "../errors.ts";
import type { ChosenPolicy, Kind, PageTableShape, TlbGeometry } from "../types.ts";
import { KINDS, TLB_POLICIES } from "../types.ts";
import { formatBytes, formatCount } from "../units.ts";
import type { Analysis } from "./analysis.ts";
import { type Core, instantiateCore } from "./core.ts";
import { type Views, viewsOf } from "./memory.ts";

export interface TextSetup {
  /** Streams that are read in turns, each through a buffer of its own; default 1. */
  streams?: number | undefined;
  /** Of each buffer. */
  capacityBytes: number;
  pageShift: number;
  /** A bit for each kind to keep, in the order of `KINDS`. */
  include: number;
  skipBadLines: boolean;
  /** Whether block requests are cut in pages. */
  splitBlocks?: boolean | undefined;
}

export interface RunsSetup {
  capacity: number;
  interned: boolean;
  clairvoyant: boolean;
}

export interface MmuSetup {
  walkCaches: number[];
  rootInRegisters: boolean;
  /** Those of each core. */
  tlbs: TlbGeometry[];
  accessedByWalk: boolean;
  /** Default 1. */
  cores?: number | undefined;
}

/** A pattern of a stream of references; see assembly/generate/stream.ts. */
export interface StreamPart {
  /** Its place in the registry, and numbers for its parameters in their order. */
  index: number;
  values: readonly number[];
  /** What it is fitted to, if it is. */
  table: Float64Array | undefined;
  /** The share of choices that are of this part or of one before it. */
  chosenBelow: number;
  first: number;
  repeat: number;
  /** Shares of the kinds; the rest are loads. */
  fetches: number;
  stores: number;
  modifies: number;
}

export interface StreamSetup {
  parts: readonly StreamPart[];
  /** Counts distinct pages, all below this. */
  countPagesBelow?: number | undefined;
}

export interface EngineSetup {
  runs: RunsSetup;
  /** References to generate. */
  stream?: StreamSetup | undefined;
  text?: TextSetup;
  /** Frame table and policy; without them the engine only decodes and interns. */
  memory?: {
    frames: number;
    policy: ChosenPolicy;
    /** Pages come and go in any order, told to the policy one by one; see assembly/core/managed.ts. */
    sparse?: boolean;
  };
  mmu?: MmuSetup;
  /** The shape of the page table, for a run with an MMU or one that interns. */
  pageTable?: PageTableShape | undefined;
  /** Reserves the state of the backward pass. */
  nextUse?: boolean;
  /** Keeps, or is given, the tag of every page id. */
  dictionary?: boolean;
  /** All tags are below this: pages are then interned without hashing. */
  tagsBelow?: number | undefined;
  /** Reserves a block of so many runs for packing. */
  packBlockRuns?: number;
  /** What to make of the interned runs; see analysis.ts. */
  analyses?: readonly Analysis<unknown>[];
  /** Most distinct pages that the run can meet; a page map that large is reserved, not touched. */
  pages: number;
  seed?: number;
}

/** Why a decoder stopped, as assembly/decode/text.ts numbers it. */
export const DECODE = { needsText: 0, runsFull: 1, badLine: 2, paused: 3 } as const;

/** How a stream has ended so far, as assembly/decode/drmemtrace.ts numbers it. */
export const CLOSED = { no: 0, chunk: 1, stream: 2 } as const;

/** The columns of the run buffer, with the bytes of an element; see assembly/core/runs.ts. */
export const COLUMN_BYTES = { tags: 8, attrs: 2, ids: 4, futures: 8 } as const;
export type Column = keyof typeof COLUMN_BYTES;

export interface TlbCounts {
  misses: number;
  invalidated: number;
}

/** Where a policy of the user's own lies for the compiler; see src/custom_policy/compiler.ts. */
export const POLICY_FOLDER = "policy";

const FETCH = 0;
const NO_TLB = 0xffffffff;
const COUNT_MAX = 0x7ffffff0;

export class Engine {
  readonly core: Core;
  readonly views: () => Views;
  readonly tlbs: TlbGeometry[];
  readonly cores: number;
  readonly hasDictionary: boolean;
  readonly #policy: ChosenPolicy | undefined;

  constructor(module: WebAssembly.Module, setup: EngineSetup) {
    const core = instantiateCore(module);
    this.core = core;
    this.views = viewsOf(core.memory);
    this.tlbs = setup.mmu?.tlbs ?? [];
    this.cores = setup.mmu?.cores ?? 1;
    this.hasDictionary = setup.dictionary ?? false;
    this.#policy = setup.memory?.policy;

    reserve(core, setup);
    if (!core.commit()) throw tooLarge(setup.memory?.frames ?? 0, core.reservedBytes());
    if (setup.mmu !== undefined) core.clearMmu();
    setup.stream?.parts.forEach(({ table }, part) => {
      if (table !== undefined) this.views().f64.set(table, (core.partTableAt(part) >>> 0) / 8);
    });
  }

  /** The first `count` elements of a column, as bytes of the engine's memory; valid until the next call. */
  column(name: Column, count: number): Uint8Array {
    const { core } = this;
    const at = { tags: core.tagsAt, attrs: core.attrsAt, ids: core.idsAt, futures: core.futuresAt };
    const start = at[name]() >>> 0;
    return this.views().u8.subarray(start, start + count * COLUMN_BYTES[name]);
  }

  /** Puts runs into the run buffer by their page ids. */
  setIds(ids: Uint16Array | Uint32Array, attrs: Uint16Array): void {
    const { core } = this;
    const { u32, u16 } = this.views();
    u32.set(ids, (core.idsAt() >>> 0) / 4);
    u16.set(attrs, (core.attrsAt() >>> 0) / 2);
  }

  /** The text buffer from byte `from` on; valid until the next call. */
  text(from: number): Uint8Array {
    const start = this.core.textAt() >>> 0;
    return this.views().u8.subarray(start + from, start + this.core.textCapacity());
  }

  /** Moves the text from `from` to `to` to the front of the text buffer. */
  keepText(from: number, to: number): void {
    const start = this.core.textAt() >>> 0;
    this.views().u8.copyWithin(start, start + from, start + to);
  }

  /** A thread of the trace runs from now on, on the core that is its own. */
  selectThread(thread: number): void {
    this.core.selectCore(thread % this.cores);
  }

  /** Replays `count` runs through the MMU; throws when memory has run out. */
  replay(count: number): void {
    if (enterPolicy(this.core, this.#policy, () => this.core.replay(count)) !== count)
      throw exhausted(this.core.pages());
  }

  /** The policy lab: replays `count` runs by their page ids. */
  replayInterned(count: number): void {
    enterPolicy(this.core, this.#policy, () => this.core.replayInterned(count));
  }

  /** Gives `count` runs their page ids; throws when memory has run out. */
  intern(count: number): void {
    if (this.core.internRuns(count) !== count) throw exhausted(this.core.pages());
  }

  /** The dictionary's columns for `count` pages from number `first` on; valid until the next call. */
  dictionary(first: number, count: number): { tags: Uint8Array; kinds: Uint8Array } {
    const { u8 } = this.views();
    const tags = (this.core.dictionaryTagsAt() >>> 0) + first * COLUMN_BYTES.tags;
    const kinds = (this.core.dictionaryKindsAt() >>> 0) + first;
    return {
      tags: u8.subarray(tags, tags + count * COLUMN_BYTES.tags),
      kinds: u8.subarray(kinds, kinds + count),
    };
  }

  /** The block that is being packed. */
  packed(): { ids: Uint32Array; attrs: Uint16Array } {
    const { core } = this;
    const { u32, u16 } = this.views();
    const ids = (core.packedIdsAt() >>> 0) / 4;
    const attrs = (core.packedAttrsAt() >>> 0) / 2;
    const runs = core.packedRuns();
    return { ids: u32.subarray(ids, ids + runs), attrs: u16.subarray(attrs, attrs + runs) };
  }

  decodedReferences(): Record<Kind, number> {
    return byKind((kind) => this.core.decodedReferences(kind));
  }

  /** The same counting an access that spans pages once. */
  decodedAccesses(): Record<Kind, number> {
    return byKind((kind) => this.core.decodedAccesses(kind));
  }

  generatedReferences(): Record<Kind, number> {
    return byKind((kind) => this.core.generatedReferences(kind));
  }

  /** Of each TLB, the cores' together. */
  tlbCounts(): TlbCounts[] {
    const counts = this.coreTlbCounts();
    const sum = (index: number, what: keyof TlbCounts) =>
      counts.reduce((total, core) => total + (core[index]?.[what] ?? 0), 0);
    return this.tlbs.map((_, index) => ({
      misses: sum(index, "misses"),
      invalidated: sum(index, "invalidated"),
    }));
  }

  /** Of each core's TLBs. */
  coreTlbCounts(): TlbCounts[][] {
    const { core, tlbs } = this;
    return Array.from({ length: this.cores }, (_, number) =>
      tlbs.map((_, index) => ({
        misses: core.tlbMisses(number * tlbs.length + index),
        invalidated: core.tlbInvalidated(number * tlbs.length + index),
      })),
    );
  }

  /** Faults in windows of equal length that cover the run; see assembly/core/stats.ts. */
  history(): { window_references: number; minor: number[]; major: number[] } {
    const { core } = this;
    const length = core.windowReferences();
    const windows = Math.min(core.windowCount(), Math.ceil(core.references() / length));
    const at = (core.windowsAt() >>> 0) / 4;
    const pairs = this.views().u32.subarray(at, at + 2 * windows);
    return {
      window_references: length,
      minor: [...pairs.filter((_, index) => index % 2 === 0)],
      major: [...pairs.filter((_, index) => index % 2 === 1)],
    };
  }
}

function byKind(count: (code: number) => number): Record<Kind, number> {
  return Object.fromEntries(KINDS.map((kind, code) => [kind, count(code)])) as Record<Kind, number>;
}

/** Runs the policy. One of the user's own that stops the engine is the user's mistake, no bug. */
function enterPolicy<T>(core: Core, policy: ChosenPolicy | undefined, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (policy?.file === undefined || error instanceof UserError) throw error;
    throw policyStopped(policy.file, stopReason(core, error));
  }
}

/** The memory that an engine will need, in bytes, without taking it. */
export function bytesNeeded(module: WebAssembly.Module, setup: EngineSetup): number {
  const core = instantiateCore(module);
  reserve(core, setup);
  return core.reservedBytes();
}

function reserve(core: Core, setup: EngineSetup): void {
  const seed = setup.seed ?? 1;
  core.setSeed(seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0);
  const { capacity, interned, clairvoyant } = setup.runs;
  core.initRuns(capacity, interned, clairvoyant);
  if (setup.text !== undefined) {
    const { streams = 1, capacityBytes, pageShift, include, skipBadLines, splitBlocks = false } = setup.text;
    core.initText(streams, capacityBytes, pageShift, include, skipBadLines);
    core.setSplitBlocks(splitBlocks);
    core.initThreads();
  }
  if (setup.stream !== undefined) initStream(core, setup.stream);
  const frames = setup.memory?.frames ?? 0;
  if (frames > COUNT_MAX) throw tooLarge(frames, Number.POSITIVE_INFINITY);
  core.initFrames(frames, setup.pages, setup.mmu !== undefined);
  if (setup.memory?.sparse) core.setSparse();
  for (const bits of setup.pageTable?.levelBits ?? []) core.addLevel(bits);
  core.setSignExtended(setup.pageTable?.signExtended ?? true);
  if (setup.mmu !== undefined) initMmu(core, setup.mmu);
  if (setup.memory !== undefined) {
    const { policy } = setup.memory;
    policy.values.forEach((value, index) => {
      core.setParameter(index, value);
    });
    enterPolicy(core, policy, () => core.initPolicy(policy.index, frames, setup.pages));
  }
  if (setup.nextUse) core.initNextUse(setup.pages);
  if (setup.tagsBelow !== undefined) core.initSmallTags(setup.tagsBelow);
  if (setup.dictionary) core.initDictionary(setup.pages);
  if (setup.packBlockRuns !== undefined) core.initPack(setup.packBlockRuns);
  for (const analysis of setup.analyses ?? []) analysis.reserve(core, setup.pages);
}

function initStream(core: Core, { parts, countPagesBelow }: StreamSetup): void {
  for (const { index, values, table, chosenBelow, first, repeat, fetches, stores, modifies } of parts) {
    values.forEach((value, parameter) => {
      core.setParameter(parameter, value);
    });
    core.addPart(index, table?.length ?? 0, chosenBelow, first, repeat);
    core.setKindShares(fetches, stores, modifies);
  }
  if (countPagesBelow !== undefined) core.countTouched(countPagesBelow);
}

function initMmu(core: Core, mmu: MmuSetup): void {
  core.setAccessedByWalk(mmu.accessedByWalk);
  if (mmu.rootInRegisters) core.keepRootInRegisters();
  for (let number = 0; number < (mmu.cores ?? 1); number++) {
    core.selectCore(number);
    initCore(core, mmu);
  }
  core.selectCore(0);
}

function initCore(core: Core, { walkCaches, tlbs }: MmuSetup): void {
  walkCaches.forEach((entries, depth) => {
    if (entries > 0) core.initWalkCache(depth, entries);
  });
  const indexOf = new Map(
    tlbs.map(({ name, entries, ways, policy }) => [
      name,
      core.addTlb(entries / ways, ways, TLB_POLICIES.indexOf(policy)),
    ]),
  );
  KINDS.forEach((_, kind) => {
    const side = kind === FETCH ? "I" : "D";
    const l1 = indexOf.get(`L1${side}`) ?? indexOf.get("L1") ?? NO_TLB;
    const l2 = indexOf.get(`L2${side}`) ?? indexOf.get("L2") ?? NO_TLB;
    core.connectPort(kind, l1, l2);
  });
}

/** Why a policy of the user's own has stopped the engine, in words; see assembly/core/guard.ts. */
export function stopReason(core: Core, error: unknown): string {
  const victim = (core.refusedVictim?.() ?? 0) >>> 0;
  if (core.refusedEmptyVictim?.()) return `victim() returned ${formatCount(victim)}, a frame without a page`;
  if (victim > 0) return `victim() returned ${formatCount(victim)}, which is no frame`;
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(` at ${POLICY_FOLDER}/`, " at ");
}

function policyStopped(file: string, reason: string): UserError {
  return new UserError(`${file}: ${reason}; "clockhand check-policy ${file}" looks for the reason`);
}

function exhausted(pages: number): UserError {
  return new UserError(
    `memory ran out after ${pages.toLocaleString("en-US")} distinct pages: an engine has 4 GiB; ` +
      "use larger pages (--page-size)",
  );
}

function tooLarge(frames: number, bytes: number): UserError {
  const need = Number.isFinite(bytes) ? `${formatBytes(bytes)} of state` : "more than 4 GiB of state";
  if (frames === 0) {
    return new UserError(`so many pages need ${need}, and an engine has 4 GiB; use fewer or larger ones`);
  }
  return new UserError(
    `${frames.toLocaleString("en-US")} frames need ${need}, and an engine has 4 GiB; ` +
      "use fewer frames or larger pages",
  );
}
