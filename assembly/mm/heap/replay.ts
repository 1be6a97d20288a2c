/**
 * Replays calls on a heap, block by block of calls, and counts what a program asks for, what it gets, and
 * what it does wrong: frees of blocks that are free already (double), of addresses inside a block or of none
 * that malloc gives (invalid), and of addresses that the log never had (unknown: allocated before the log
 * began, or invalid as well). Calls that would corrupt a real heap are counted and left out.
 */

import {
  Block,
  Blocks,
  blockCapacity,
  blocksAt,
  countLive,
  countUsed,
  hasRoomForBlock,
  liveBlocks,
} from "./blocks";
import { CALLOC, Call, FREE, MALLOC, MEMALIGN } from "./calls";
import { Heap } from "./heap";
import { calloc, chunkBytes, free, malloc, memalign, realloc } from "./malloc";
import { Sites, siteCount } from "./sites";
import { touched } from "./touch";

export const DOUBLE_FREE: u32 = 0;
export const INVALID_FREE: u32 = 1;
export const UNKNOWN_FREE: u32 = 2;
export const DOUBLE_ALLOCATION: u32 = 3;
const FAULT_KINDS: u32 = 4;

const FAULTS_LISTED: u32 = 1000;
/** How far before an address a block is looked for that has it inside. */
const INSIDE_BYTES_MAX: u64 = 16384;
const SIZE_CLASSES: u32 = 49;

@unmanaged
@final
class Fault {
  kind: u32;
  site: u32;
  line: u32;
  /** Where the block was freed before (double), or allocated (invalid, inside it); 0 if nowhere. */
  earlierSite: u32;
  earlierLine: u32;
  /** realloc, not free. */
  isRealloc: u32;
  address: u64;
}

/** All f64, in the order of the names in src/engine/heap.ts. */
@unmanaged
@final
class Totals {
  mallocs: f64;
  callocs: f64;
  reallocs: f64;
  frees: f64;
  memaligns: f64;
  /** Calls that the modelled heap had no memory for. */
  refused: f64;
  /** realloc that kept its place. */
  inPlace: f64;
  requestedTotal: f64;
  requested: f64;
  requestedMax: f64;
  requestedMaxLine: f64;
  blocksMax: f64;
  /** Bytes of the chunks of blocks that live. */
  chunks: f64;
  /** The same when the heap was at its largest for the first time. */
  requestedAtPeak: f64;
  chunksAtPeak: f64;
  topAtPeak: f64;
  peakLine: f64;
}

const totals: Totals = changetype<Totals>(memory.data(offsetof<Totals>(), 16));
const faultCounts: usize = memory.data(FAULT_KINDS << 3, 16);
const faults: usize = memory.data(FAULTS_LISTED * 32, 16);
/** By the logarithm of the size: calls f64, bytes f64. */
const sizes: usize = memory.data(SIZE_CLASSES << 4, 16);
let listed: u32 = 0;
let footprintMax: u64 = 0;

export function heapTotalsAt(): usize {
  return changetype<usize>(totals);
}
export function heapSizesAt(): usize {
  return sizes;
}
export function heapFaultsAt(): usize {
  return faults;
}
export function heapFaultsListed(): u32 {
  return listed;
}
export function heapFaultCount(kind: u32): f64 {
  return load<f64>(faultCounts + (kind << 3));
}

/** Replays calls and says how many; fewer than `count` when the engine has run out of memory. */
export function replayCalls(heapAt: usize, at: usize, count: u32): u32 {
  const heap = changetype<Heap>(heapAt);
  for (let index: u32 = 0; index < count; index++) {
    const call = changetype<Call>(at + <usize>index * offsetof<Call>());
    if (!hasRoomForBlock()) return index;
    if (call.kind == FREE) {
      call.result = 0;
      totals.frees += 1;
      replayFree(heap, call);
    } else if (call.kind == MALLOC) {
      totals.mallocs += 1;
      call.result = malloc(heap, call.size);
      enter(heap, call, call.block);
    } else if (call.kind == CALLOC) {
      totals.callocs += 1;
      call.result = calloc(heap, call.size);
      enter(heap, call, call.block);
    } else if (call.kind == MEMALIGN) {
      totals.memaligns += 1;
      call.result = memalign(heap, call.other, call.size);
      enter(heap, call, call.block);
    } else {
      totals.reallocs += 1;
      replayRealloc(heap, call);
    }
    if (heap.footprintBytesMax != footprintMax) notePeak(heap, call);
  }
  return count;
}

/** Adds up at its site what has not been freed. */
export function countLeaks(): void {
  for (let site: u32 = 0; site < siteCount(); site++) {
    const record = Sites.at(site);
    record.leakedBlocks = 0;
    record.leakedBytes = 0;
  }
  const table = blocksAt();
  for (let index: u32 = 0; index < blockCapacity(); index++) {
    const block = changetype<Block>(table + ((<usize>index) << 5));
    if (block.key == 0 || !block.isLive) continue;
    const record = Sites.at(block.site);
    record.leakedBlocks += 1;
    record.leakedBytes += <f64>block.size;
  }
}

// --- internal ---

function replayFree(heap: Heap, call: Call): void {
  const block = Blocks.find(call.block);
  if (block.key == 0 || !block.isLive) {
    fault(block, call, false);
    return;
  }
  leave(heap, block);
  if (block.address != 0) free(heap, block.address);
  block.drop(call.site, call.line);
}

function replayRealloc(heap: Heap, call: Call): void {
  let old: u64 = 0;
  if (call.block != 0) {
    const block = Blocks.find(call.block);
    if (block.key == 0 || !block.isLive) fault(block, call, true);
    else {
      leave(heap, block);
      old = block.address;
      block.drop(call.site, call.line);
    }
  }
  const address = realloc(heap, old, call.size);
  if (old != 0 && address == old) totals.inPlace += 1;
  if (address == 0 && old != 0 && call.size != 0) free(heap, old);
  call.result = address;
  if (call.other != 0) enter(heap, call, call.other);
}

/** A block that a call has made. */
function enter(heap: Heap, call: Call, key: u64): void {
  const block = Blocks.find(key);
  if (block.key == 0) {
    block.key = key;
    countUsed();
  } else if (block.isLive) {
    // Its free is not in the log.
    fault(block, call, false);
    leave(heap, block);
    if (block.address != 0) free(heap, block.address);
  }
  const size = call.size;
  const address = call.result;
  block.use(address, size, call.site, call.line);
  countLive(1);
  const bytes = <f64>block.size;
  if (address == 0) totals.refused += 1;
  else {
    totals.chunks += <f64>chunkBytes(heap, address);
    touched(heap, address, size);
  }
  totals.requestedTotal += bytes;
  totals.requested += bytes;
  if (totals.requested > totals.requestedMax) {
    totals.requestedMax = totals.requested;
    totals.requestedMaxLine = call.line;
  }
  totals.blocksMax = max(totals.blocksMax, <f64>liveBlocks());
  const site = Sites.at(call.site);
  site.blocks += 1;
  site.bytes += bytes;
  const sizeClass = sizes + ((size == 0 ? 0 : <u32>min<u64>(64 - clz(size), SIZE_CLASSES - 1)) << 4);
  store<f64>(sizeClass, load<f64>(sizeClass) + 1);
  store<f64>(sizeClass, load<f64>(sizeClass, 8) + bytes, 8);
}

/** A block that is about to be freed or moved. */
function leave(heap: Heap, block: Block): void {
  countLive(-1);
  totals.requested -= <f64>block.size;
  if (block.address != 0) totals.chunks -= <f64>chunkBytes(heap, block.address);
}

function notePeak(heap: Heap, call: Call): void {
  footprintMax = heap.footprintBytesMax;
  totals.requestedAtPeak = totals.requested;
  totals.chunksAtPeak = totals.chunks;
  totals.topAtPeak = heap.top == 0 ? 0 : <f64>((<u64>heap.size(heap.top)) << 4);
  totals.peakLine = call.line;
}

function fault(block: Block, call: Call, isRealloc: bool): void {
  let kind = DOUBLE_FREE;
  let earlier = block;
  if (block.key == 0) {
    earlier = blockAround(call.block);
    kind = earlier.key != 0 || (call.block & 15) != 0 ? INVALID_FREE : UNKNOWN_FREE;
  } else if (block.isLive) kind = DOUBLE_ALLOCATION;
  const count = faultCounts + (kind << 3);
  store<f64>(count, load<f64>(count) + 1);
  if (listed == FAULTS_LISTED) return;
  const entry = changetype<Fault>(faults + listed++ * offsetof<Fault>());
  entry.kind = kind;
  entry.site = call.site;
  entry.line = call.line;
  entry.earlierSite = earlier.key == 0 ? 0 : earlier.site;
  entry.earlierLine = earlier.key == 0 ? 0 : earlier.line;
  entry.isRealloc = <u32>isRealloc;
  entry.address = isRealloc || kind != DOUBLE_ALLOCATION ? call.block : block.key;
}

/** The living block that has `address` inside, or an entry that is none. */
function blockAround(address: u64): Block {
  const start = address & ~15;
  for (let before: u64 = 0; before <= INSIDE_BYTES_MAX && before < start; before += 16) {
    const block = Blocks.find(start - before);
    if (block.key != 0 && block.isLive && address - block.key < block.size) return block;
  }
  return Blocks.find(address);
}
