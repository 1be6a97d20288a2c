/**
 * A modelled glibc heap in an engine of its own: calls of malloc and its relatives go in by the block, from
 * TypeScript or from the text of an mtrace log, and what became of the heap comes out.
 */

import { type Core, instantiateCore } from "./core.ts";
import { type Views, viewsOf } from "./memory.ts";

/** By the number that assembly/mm/heap/calls.ts gives a kind. */
export const CALL_KINDS = ["malloc", "calloc", "realloc", "free", "memalign"] as const;
export type CallKind = (typeof CALL_KINDS)[number];

/** By the number that assembly/mm/heap/heap.ts gives an option. */
export const HEAP_OPTIONS = [
  "mmapThreshold",
  "trimThreshold",
  "topPad",
  "mmapMax",
  "tcacheCount",
  "tcacheMax",
  "mxfast",
] as const;
/** malloc's tunables; those that are not given are as glibc has them. */
export type HeapOptions = { [Name in (typeof HEAP_OPTIONS)[number]]?: number | undefined };

/** In the order of assembly/mm/heap/mallinfo.ts. */
const INFO_NAMES = [
  "systemBytes",
  "systemBytesMax",
  "mappedBytes",
  "mappedBytesMax",
  "footprintBytesMax",
  "mappings",
  "mappingsMax",
  "binnedChunks",
  "binnedBytes",
  "largestBinnedBytes",
  "fastChunks",
  "fastBytes",
  "cachedChunks",
  "cachedBytes",
  "topBytes",
  "freeBytes",
  "tcacheBytes",
  "brkGrowths",
  "brkShrinks",
  "mmapCalls",
  "mremapCalls",
  "munmapCalls",
  "consolidations",
  "mmapThreshold",
  "trimThreshold",
  "start",
  "end",
] as const;
export type HeapInfo = Record<(typeof INFO_NAMES)[number], number>;

/** In the order of the fields of Totals in assembly/mm/heap/replay.ts. */
const TOTAL_NAMES = [
  "mallocs",
  "callocs",
  "reallocs",
  "frees",
  "memaligns",
  "refused",
  "inPlace",
  "requestedTotal",
  "requested",
  "requestedMax",
  "requestedMaxLine",
  "blocksMax",
  "chunks",
  "requestedAtPeak",
  "chunksAtPeak",
  "topAtPeak",
  "peakLine",
] as const;
export type HeapTotals = Record<(typeof TOTAL_NAMES)[number], number>;

/** By the number that assembly/mm/heap/replay.ts gives a fault. */
export const FAULT_KINDS = ["doubleFree", "invalidFree", "unknownFree", "doubleAllocation"] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface HeapFault {
  kind: FaultKind;
  isRealloc: boolean;
  line: number;
  site: number;
  address: bigint;
  /** Where the block was allocated or freed before; line 0 if that is not known. */
  earlier: { line: number; site: number };
}

export interface HeapSite {
  text: string;
  blocks: number;
  bytes: number;
  leakedBlocks: number;
  leakedBytes: number;
}

/** Why a decoder of text has stopped, by assembly/mm/heap/mtrace.ts. */
const MTRACE_STATUS = ["needsText", "callsFull", "badLine", "noMemory"] as const;
export type MtraceStatus = (typeof MTRACE_STATUS)[number];

/** A call, by the name that its block has: any number but 0. */
export interface HeapCall {
  kind: CallKind;
  block: bigint;
  size: number;
  /** realloc: the name of the block from now on. memalign: the alignment. */
  other?: bigint;
  line?: number;
}

/** Layout of a call, of assembly/mm/heap/calls.ts. */
const CALL = { bytes: 48, site: 4, block: 8, size: 16, other: 24, line: 32, result: 40 };
const FAULT = { bytes: 32, address: 24 };
const SITE = { bytes: 48, text: 8, length: 12, blocks: 16 };
const SIZE_CLASSES = 49;

const CALLS = 16384;
/** Where x86-64 Linux without address randomisation has the heap of a program at 0x555555554000. */
const HEAP_START = 0x55555557a000;
const MAP_TOP = 0x7ffff7d80000;

export class HeapEngine {
  readonly core: Core;
  readonly #views: () => Views;
  readonly #heap: number;
  readonly #textBytes: number;

  /** `textBytes` is for the text of a log. */
  constructor(
    module: WebAssembly.Module,
    options: HeapOptions = {},
    { start = HEAP_START, mapTop = MAP_TOP, calls = CALLS, textBytes = 0 } = {},
  ) {
    this.#textBytes = textBytes;
    const core = instantiateCore(module);
    this.core = core;
    this.#views = viewsOf(core.memory);
    core.initCalls(calls);
    core.initMtrace(textBytes);
    if (!core.commit() || !core.initBlocks() || !core.initSites()) throw new RangeError("no memory");
    this.#heap = core.createHeap(0, start, mapTop);
    if (this.#heap === 0) throw new RangeError("no memory");
    for (const [index, name] of HEAP_OPTIONS.entries()) {
      const value = options[name];
      if (value !== undefined) core.setHeapOption(this.#heap, index, value);
    }
  }

  /** The text buffer from byte `from` on; not to be kept across a call. */
  text(from: number): Uint8Array {
    const at = this.core.mtraceTextAt();
    return this.#views().u8.subarray(at + from, at + this.#textBytes);
  }

  /** Moves bytes `from` to `to` of the text buffer to its front. */
  keepText(from: number, to: number): void {
    const at = this.core.mtraceTextAt();
    this.#views().u8.copyWithin(at, at + from, at + to);
  }

  /** Decodes what is in the text buffer, and replays it. */
  replayText(length: number, final: boolean): { consumed: number; status: MtraceStatus } {
    const count = this.core.decodeMtrace(length, final);
    const status = MTRACE_STATUS[this.core.mtraceStatus()] as MtraceStatus;
    const consumed = this.core.mtraceConsumed();
    return { consumed, status: this.replay(count) ? status : "noMemory" };
  }

  /** What has been read of the log so far. */
  log(): {
    lines: number;
    skipped: number;
    starts: number;
    ends: number;
    failed: { malloc: number; realloc: number };
  } {
    const { core } = this;
    return {
      lines: core.mtraceLines(),
      skipped: core.mtraceSkipped(),
      starts: core.mtraceStarts(),
      ends: core.mtraceEnds(),
      failed: { malloc: core.mtraceFailedMallocs(), realloc: core.mtraceFailedReallocs() },
    };
  }

  /** Replays the first `count` calls of the buffer; false when the engine has no memory left. */
  replay(count: number): boolean {
    return this.core.replayCalls(this.#heap, this.core.callsAt(), count) === count;
  }

  /** Replays calls, and says what address each was given, 0 for none. */
  run(calls: readonly HeapCall[]): number[] {
    const results: number[] = [];
    const capacity = this.core.callCapacity();
    for (let from = 0; from < calls.length; from += capacity) {
      const some = calls.slice(from, from + capacity);
      this.#write(some);
      if (!this.replay(some.length)) throw new RangeError("the engine has no memory left");
      const view = this.#view();
      for (let index = 0; index < some.length; index++) {
        const at = this.core.callsAt() + index * CALL.bytes;
        results.push(Number(view.getBigUint64(at + CALL.result, true)));
      }
    }
    return results;
  }

  info(): HeapInfo {
    return this.#numbers(this.core.heapInfo(this.#heap), INFO_NAMES);
  }

  totals(): HeapTotals {
    return this.#numbers(this.core.heapTotalsAt(), TOTAL_NAMES);
  }

  /** 0, or the number of what is inconsistent; see assembly/mm/heap/mallinfo.ts. */
  flaw(): number {
    return this.core.heapFlaw(this.#heap);
  }

  liveBlocks(): number {
    return this.core.liveBlocks();
  }

  /** Calls and bytes by the size's bits: 0 for no bytes, n for 2^(n-1) to 2^n - 1. */
  sizes(): { calls: number; bytes: number }[] {
    const { f64 } = this.#views();
    const from = this.core.heapSizesAt() / 8;
    return Array.from({ length: SIZE_CLASSES }, (_, bits) => ({
      calls: f64[from + 2 * bits] as number,
      bytes: f64[from + 2 * bits + 1] as number,
    }));
  }

  /** How many calls were wrong, and the first of them. */
  faults(): { counts: Record<FaultKind, number>; listed: HeapFault[] } {
    const { core } = this;
    const counts = FAULT_KINDS.map((kind, index) => [kind, core.heapFaultCount(index)]);
    const view = this.#view();
    const listed = Array.from({ length: core.heapFaultsListed() }, (_, index): HeapFault => {
      const at = core.heapFaultsAt() + index * FAULT.bytes;
      const [kind, site, line, earlierSite, earlierLine, isRealloc] = [0, 4, 8, 12, 16, 20].map((offset) =>
        view.getUint32(at + offset, true),
      ) as [number, number, number, number, number, number];
      return {
        kind: FAULT_KINDS[kind] as FaultKind,
        isRealloc: isRealloc !== 0,
        line,
        site,
        address: view.getBigUint64(at + FAULT.address, true),
        earlier: { line: earlierLine, site: earlierSite },
      };
    });
    return { counts: Object.fromEntries(counts) as Record<FaultKind, number>, listed };
  }

  /** What each call site has asked for, and what of that has not been freed so far. */
  sites(): HeapSite[] {
    const { core } = this;
    core.countLeaks();
    const { u8 } = this.#views();
    const view = this.#view();
    const decoder = new TextDecoder();
    return Array.from({ length: core.siteCount() }, (_, index) => {
      const at = core.sitesAt() + index * SITE.bytes;
      const text = view.getUint32(at + SITE.text, true);
      const number = (place: number) => view.getFloat64(at + SITE.blocks + 8 * place, true);
      return {
        text: decoder.decode(u8.subarray(text, text + view.getUint32(at + SITE.length, true))),
        blocks: number(0),
        bytes: number(1),
        leakedBlocks: number(2),
        leakedBytes: number(3),
      };
    });
  }

  #write(calls: readonly HeapCall[]): void {
    const view = this.#view();
    for (const [index, { kind, block, size, other = 0n, line = 0 }] of calls.entries()) {
      const at = this.core.callsAt() + index * CALL.bytes;
      view.setUint32(at, CALL_KINDS.indexOf(kind), true);
      view.setUint32(at + CALL.site, 0, true);
      view.setBigUint64(at + CALL.block, block, true);
      view.setBigUint64(at + CALL.size, BigInt(size), true);
      view.setBigUint64(at + CALL.other, other, true);
      view.setUint32(at + CALL.line, line, true);
    }
  }

  #view(): DataView {
    return new DataView(this.core.memory.buffer);
  }

  #numbers<Name extends string>(at: number, names: readonly Name[]): Record<Name, number> {
    const { f64 } = this.#views();
    return Object.fromEntries(names.map((name, index) => [name, f64[at / 8 + index]])) as Record<
      Name,
      number
    >;
  }
}
