/** The engine's whole ABI: re-exports, nothing else. Numbers of more than 32 bits cross as f64. */

import "./generate";
import "./policies";

export {
  dictionaryKindsAt,
  dictionaryTagsAt,
  initDictionary,
  initSmallTags,
  internRuns,
  keepTags,
  lookUpTags,
} from "./analysis/intern";
export { computeNextUse, initNextUse } from "./analysis/next_use";
export { countOptDistances, initOptStack, optDistancesAt, optPages } from "./analysis/opt_stack";
export {
  emptyPack,
  endPackedRun,
  initPack,
  packedAttrsAt,
  packedIdMax,
  packedIdsAt,
  packedRuns,
  packRuns,
} from "./analysis/pack";
export { countRunLengths, endRunLengths, runLengthsAt } from "./analysis/run_lengths";
export { keepSampled } from "./analysis/sample";
export {
  initShards,
  sampleRuns,
  shardsAt,
  shardsGroups,
  shardsPages,
  shardsRate,
  shardsReferences,
} from "./analysis/shards";
export {
  countStackDistances,
  firstTouchesAt,
  initChunk,
  initStackDistances,
  lastTouchesAt,
  stackDistancesAt,
  stackPages,
  touchPages,
} from "./analysis/stack_distance";
export {
  countEndedIntervals,
  countIntervals,
  initWorkingSet,
  intervalColdMisses,
  intervalReferences,
  intervalsAt,
} from "./analysis/working_set";
export { evictions } from "./core/fault";
export { initFrames, pages, residentPages } from "./core/frames";
export { addTlb, clearMmu, connectPort, selectCore, tlbInvalidated, tlbMisses } from "./core/mmu";
export { addLevel, firstUnfitRun, setSignExtended } from "./core/page_table";
export { setParameter } from "./core/policy";
export {
  initPolicy,
  policyAbout,
  policyCount,
  policyIsClairvoyant,
  replay,
  replayInterned,
} from "./core/registry";
export { setAccessedByWalk } from "./core/replay";
export { attrsAt, futuresAt, idsAt, initRuns, keepKinds, runCapacity, tagsAt } from "./core/runs";
export {
  majorFaults,
  minorFaults,
  references,
  walkReferences,
  walks,
  windowCount,
  windowReferences,
  windowsAt,
  writebacks,
} from "./core/stats";
export { keepRootInRegisters } from "./core/walk";
export { initWalkCache } from "./core/walk_cache";
export * from "./decode";
export {
  badLineAt,
  badLineLength,
  badLineReason,
  beginText,
  decodedAccesses,
  decodedReferences,
  decodedTotal,
  initText,
  lineCount,
  selectText,
  setAddressSpace,
  setSetting,
  setSplitBlocks,
  skippedLines,
  textAt,
  textCapacity,
  textConsumed,
  textStatus,
} from "./decode/text";
export { patternAbout, patternCount } from "./generate/registry";
export {
  addPart,
  countTouched,
  generatedReferences,
  generateRuns,
  partTableAt,
  setKindShares,
  touchedPages,
} from "./generate/stream";
export { commit, reservedBytes } from "./layout";
export { bucketCount, bucketStart } from "./lib/log_buckets";
export { setSeed } from "./lib/rng";
export { setHeapHooks } from "./mm/heap/address_space";
export { initBlocks, liveBlocks } from "./mm/heap/blocks";
export { callCapacity, callsAt, initCalls } from "./mm/heap/calls";
export { createHeap, destroyHeap, setHeapOption } from "./mm/heap/heap";
export { heapFlaw, heapInfo } from "./mm/heap/mallinfo";
export {
  decodeMtrace,
  initMtrace,
  mtraceBadAt,
  mtraceBadLength,
  mtraceConsumed,
  mtraceEnds,
  mtraceFailedMallocs,
  mtraceFailedReallocs,
  mtraceLines,
  mtraceSkipped,
  mtraceStarts,
  mtraceStatus,
  mtraceTextAt,
  skipBadMtraceLines,
} from "./mm/heap/mtrace";
export {
  countLeaks,
  heapFaultCount,
  heapFaultsAt,
  heapFaultsListed,
  heapSizesAt,
  heapTotalsAt,
  replayCalls,
} from "./mm/heap/replay";
export { initSites, siteCount, sitesAt } from "./mm/heap/sites";
export { setTouchHook } from "./mm/heap/touch";
