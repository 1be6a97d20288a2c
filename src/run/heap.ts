/**
 * `heap`: a log of mtrace(3) replayed on a modelled heap. The text goes straight into the engine's memory,
 * which decodes and replays it; besides the engine's buffers only the blocks that live take memory.
 */

import { setImmediate } from "node:timers/promises";
import {
  type FaultKind,
  HeapEngine,
  type HeapInfo,
  type HeapOptions,
  type HeapTotals,
} from "../engine/heap.ts";
import { InterruptedError, TraceError, UserError } from "../errors.ts";
import { openTrace, type TraceBytes } from "../trace/open.ts";
import type { HeapReport, HeapState, Progress } from "../types.ts";
import { parseBytes } from "../units.ts";
import { performanceOf } from "./performance.ts";
import { engineModule } from "./session.ts";

/** What `heap` takes: sizes are texts like 128KiB. */
export interface HeapRunOptions {
  /** File of mtrace's, compressed or not; - for standard input. */
  log: string;
  mmapThreshold?: string | undefined;
  trimThreshold?: string | undefined;
  topPad?: string | undefined;
  /** Mappings at most. */
  mmapMax?: number | undefined;
  /** Chunks that a bin of the tcache has room for. */
  tcacheCount?: number | undefined;
  tcacheMax?: string | undefined;
  mxfast?: string | undefined;
  skipBadLines?: boolean | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
}

export async function heap(options: HeapRunOptions): Promise<HeapReport> {
  const start = performance.now();
  const chosen = optionsOf(options);
  const engine = new HeapEngine(engineModule(), chosen, { textBytes: TEXT_BYTES });
  engine.core.skipBadMtraceLines(options.skipBadLines === true);
  const bytes = await openTrace(options.log);
  try {
    await replayLog(engine, bytes, options);
  } finally {
    bytes.close();
  }
  return reportOf(engine, options.log, chosen, start);
}

// --- internal ---

const TEXT_BYTES = 1 << 20;
const PROGRESS_MS = 100;
const LINE_CHARACTERS_MAX = 80;
const LARGEST = Number.MAX_SAFE_INTEGER;

/**
 * Options in the words of mallopt(3) and of glibc's tunables, by name and the largest value that glibc takes.
 */
const SIZES = [
  ["mmapThreshold", "--mmap-threshold", LARGEST],
  ["trimThreshold", "--trim-threshold", LARGEST],
  ["topPad", "--top-pad", 2 ** 40],
  ["tcacheMax", "--tcache-max", 1032],
  ["mxfast", "--mxfast", 160],
] as const;
const COUNTS = [
  ["mmapMax", "--mmap-max", 2 ** 31 - 1],
  ["tcacheCount", "--tcache-count", 65_535],
] as const;

const FAULT_NAMES: Record<FaultKind, HeapReport["faults"]["listed"][number]["kind"]> = {
  doubleFree: "double-free",
  invalidFree: "invalid-free",
  unknownFree: "unknown-free",
  doubleAllocation: "double-allocation",
};

function optionsOf(options: HeapRunOptions): HeapOptions {
  const sizes = SIZES.map(([name, flag, largest]) => {
    const text = options[name];
    return [name, flag, largest, text === undefined ? undefined : parseBytes(text, flag)] as const;
  });
  const counts = COUNTS.map(([name, flag, largest]) => [name, flag, largest, options[name]] as const);
  const chosen: HeapOptions = {};
  for (const [name, flag, largest, value] of [...sizes, ...counts]) {
    if (value === undefined) continue;
    if (!(Number.isInteger(value) && value >= 0 && value <= largest)) {
      throw new UserError(`${flag}: must be a whole number of at most ${largest}`);
    }
    chosen[name] = value;
  }
  return chosen;
}

async function replayLog(engine: HeapEngine, bytes: TraceBytes, options: HeapRunOptions): Promise<void> {
  const { signal, onProgress } = options;
  const start = performance.now();
  const interrupted = new Promise<never>((_, reject) => {
    const interrupt = () => reject(new InterruptedError());
    if (signal?.aborted) interrupt();
    signal?.addEventListener("abort", interrupt, { once: true });
  });
  interrupted.catch(() => undefined);
  let told = start;
  let length = 0;
  /** Of the text before the buffer. */
  let offset = 0;
  for (let ended = false; ; ) {
    if (!ended) {
      // A pipe may have nothing to read for long.
      const count = await Promise.race([bytes.read(engine.text(length)), interrupted]);
      ended = count === 0;
      length += count;
    }
    const { consumed, status } = engine.replayText(length, ended);
    if (status === "noMemory") throw fullError(engine, bytes.label);
    if (status === "badLine") throw badLine(engine, bytes.label, offset);
    engine.keepText(consumed, length);
    offset += consumed;
    length -= consumed;
    if (ended && length === 0) return;
    if (ended && consumed === 0) throw new Error("the decoder made no progress");
    await setImmediate();
    if (signal?.aborted) throw new InterruptedError();
    const now = performance.now();
    if (onProgress === undefined || now - told < PROGRESS_MS) continue;
    told = now;
    onProgress(progressOf(bytes, (now - start) / 1000));
  }
}

function progressOf(bytes: TraceBytes, seconds: number): Progress {
  const taken = bytes.takenBytes();
  const share = bytes.sizeBytes === undefined ? undefined : taken / bytes.sizeBytes;
  return {
    phase: "replaying",
    share,
    references: 0,
    references_per_second: 0,
    seconds_left: share === undefined || share === 0 ? undefined : (seconds / share) * (1 - share),
  };
}

function badLine(engine: HeapEngine, label: string, offset: number): TraceError {
  const { core } = engine;
  const at = core.mtraceBadAt();
  const line = new TextDecoder().decode(engine.text(at).slice(0, core.mtraceBadLength()));
  const found = JSON.stringify(
    line.length > LINE_CHARACTERS_MAX ? `${line.slice(0, LINE_CHARACTERS_MAX)}...` : line,
  );
  const number = engine.log().lines + (core.mtraceBadLength() === engine.text(0).length ? 1 : 0);
  return new TraceError(
    `${label}: line ${number} (byte ${offset + at}): expected a line of mtrace's (@ CALLER + ADDRESS SIZE), ` +
      `found ${found}; --skip-bad-lines skips such lines`,
  );
}

function fullError(engine: HeapEngine, label: string): UserError {
  return new UserError(
    `${label}: line ${engine.log().lines}: ${engine.liveBlocks()} blocks live and ${engine.core.siteCount()} call sites ` +
      "are more than one engine's 4 GiB have room for; replay a part of the log",
  );
}

function reportOf(engine: HeapEngine, path: string, chosen: HeapOptions, start: number): HeapReport {
  const info = engine.info();
  const totals = engine.totals();
  const log = engine.log();
  const { failed, ...lines } = log;
  const calls = totals.mallocs + totals.reallocs + totals.frees;
  const sites = engine.sites();
  const { references_per_second, ...performance_ } = performanceOf(
    (performance.now() - start) / 1000,
    calls,
    1,
  );
  return {
    command: "heap",
    log: { path, ...lines },
    allocator: {
      model: "glibc",
      mmap_threshold: info.mmapThreshold,
      trim_threshold: info.trimThreshold,
      options: Object.fromEntries(
        Object.entries(chosen).map(([name, value]) => [snakeCase(name), value as number]),
      ),
    },
    calls: {
      total: calls,
      malloc: totals.mallocs,
      realloc: totals.reallocs,
      free: totals.frees,
      realloc_in_place: totals.inPlace,
      failed,
      refused: totals.refused,
    },
    requested: {
      total_bytes: totals.requestedTotal,
      peak_bytes: totals.requestedMax,
      peak_line: totals.requestedMaxLine,
      final_bytes: totals.requested,
      peak_blocks: totals.blocksMax,
      final_blocks: engine.liveBlocks(),
    },
    heap: heapOf(info, totals),
    system_calls: {
      brk_grow: info.brkGrowths,
      brk_trim: info.brkShrinks,
      mmap: info.mmapCalls,
      mremap: info.mremapCalls,
      munmap: info.munmapCalls,
    },
    sizes: sizesOf(engine),
    leaks: {
      bytes: totals.requested,
      blocks: engine.liveBlocks(),
      sites: sites
        .filter(({ leakedBlocks }) => leakedBlocks > 0)
        .sort((one, other) => other.leakedBytes - one.leakedBytes || other.leakedBlocks - one.leakedBlocks)
        .map(({ text, leakedBytes, leakedBlocks, bytes, blocks }) => ({
          site: siteName(text),
          bytes: leakedBytes,
          blocks: leakedBlocks,
          allocated_bytes: bytes,
          allocated_blocks: blocks,
        })),
    },
    faults: faultsOf(
      engine,
      sites.map(({ text }) => siteName(text)),
    ),
    performance: { ...performance_, calls_per_second: references_per_second },
  };
}

function heapOf(info: HeapInfo, totals: HeapTotals): HeapReport["heap"] {
  const state = (bytes: number, chunks: number, requested: number, top: number): HeapState => {
    const free = bytes - chunks - top - info.tcacheBytes;
    return {
      bytes,
      chunk_bytes: chunks,
      requested_bytes: requested,
      top_bytes: top,
      free_bytes: free,
      internal_fragmentation: chunks === 0 ? 0 : 1 - requested / chunks,
      external_fragmentation: bytes === 0 ? 0 : free / bytes,
    };
  };
  const bytes = info.systemBytes + info.mappedBytes;
  return {
    start: `0x${info.start.toString(16)}`,
    peak: {
      ...state(info.footprintBytesMax, totals.chunksAtPeak, totals.requestedAtPeak, totals.topAtPeak),
      line: totals.peakLine,
    },
    final: {
      ...state(bytes, totals.chunks, totals.requested, info.topBytes),
      brk_bytes: info.systemBytes,
      mmap_bytes: info.mappedBytes,
      mappings: info.mappings,
      tcache: { chunks: info.cachedChunks, bytes: info.cachedBytes },
      fastbins: { chunks: info.fastChunks, bytes: info.fastBytes },
      bins: { chunks: info.binnedChunks, bytes: info.binnedBytes, largest_bytes: info.largestBinnedBytes },
    },
    brk_peak_bytes: info.systemBytesMax,
    mmap_peak_bytes: info.mappedBytesMax,
  };
}

function sizesOf(engine: HeapEngine): HeapReport["sizes"] {
  return engine
    .sizes()
    .map(({ calls, bytes }, bits) => ({
      from: bits === 0 ? 0 : 2 ** (bits - 1),
      to: bits === 0 ? 0 : 2 ** bits - 1,
      calls,
      bytes,
    }))
    .filter(({ calls }) => calls > 0);
}

function faultsOf(engine: HeapEngine, sites: readonly string[]): HeapReport["faults"] {
  const { counts, listed } = engine.faults();
  const site = (number: number) => sites[number] as string;
  return {
    double_frees: counts.doubleFree,
    invalid_frees: counts.invalidFree,
    unknown_frees: counts.unknownFree,
    double_allocations: counts.doubleAllocation,
    listed: listed.map(({ kind, isRealloc, line, site: number, address, earlier }) => ({
      kind: FAULT_NAMES[kind],
      call: isRealloc ? "realloc" : kind === "doubleAllocation" ? "malloc" : "free",
      line,
      address: `0x${address.toString(16)}`,
      site: site(number),
      earlier: earlier.line === 0 ? null : { line: earlier.line, site: site(earlier.site) },
    })),
  };
}

function siteName(text: string): string {
  return text === "" ? "(unknown)" : text;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
