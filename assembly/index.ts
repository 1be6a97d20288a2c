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
export {
  bind,
  capacity,
  evictFrom,
  forgetPage,
  frameEntry,
  initFrames,
  isDirty,
  isHeld,
  pageIn,
  pages,
  residentPages,
  setSparse,
  skipPages,
  unbind,
} from "./core/frames";
export {
  addTlb,
  clearMmu,
  connectPort,
  selectCore,
  tlbInvalidated,
  tlbMisses,
  tlbRecordAt,
} from "./core/mmu";
export { addLevel, firstUnfitRun, rootOf, setSignExtended } from "./core/page_table";
export { setParameter } from "./core/policy";
export {
  initPolicy,
  policyAbout,
  policyCanRemove,
  policyCount,
  policyEvict,
  policyFill,
  policyForget,
  policyHit,
  policyIsClairvoyant,
  policyRemove,
  policyVictim,
  policyWrite,
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
export {
  clockNow,
  setClock,
  setCost,
  takeUser,
  takeWaited,
} from "./mm/clock";
export { countersAt } from "./mm/counters";
export { deviceRequests, setDevice } from "./mm/device";
export {
  areaFacts,
  cachedPages,
  fileRecordAt,
  groupFacts,
  processFacts,
  processStalledNs,
  processState,
  sharedSlot,
  wakeTime,
} from "./mm/facts";
export { addFile } from "./mm/file/files";
export { setDirtyLimits } from "./mm/file/flusher";
export { setReadAhead } from "./mm/file/page_cache";
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
export {
  hugetlbFree,
  hugetlbReserved,
  hugetlbSurplus,
  hugetlbTotal,
  setHugePages,
  setHugePagesOvercommit,
} from "./mm/huge/hugetlb";
export {
  khugepagedNs,
  khugepagedScans,
  pagesCollapsed,
  runKhugepaged,
  setKhugepaged,
} from "./mm/huge/khugepaged";
export { setThp } from "./mm/huge/thp";
export {
  cacheAllocBulk,
  cacheCount,
  cacheFacts,
  cacheFreeBulk,
  cacheShrink,
  createCache,
  destroyCache,
  initSlab,
} from "./mm/kernel/caches";
export {
  kfreeAddress,
  kmallocBytes,
  kreallocBytes,
  ksizeOf,
  requestedAt,
  slabAlloc,
  slabFree,
} from "./mm/kernel/exports";
export { createKernelCaches, kernelCache } from "./mm/kernel/kernel_caches";
export {
  initKmalloc,
  kmallocCache,
  kmallocFailures,
  largeKmallocPages,
  largeKmallocRequested,
  largeKmallocs,
} from "./mm/kernel/kmalloc";
export { slabPages } from "./mm/kernel/slab";
export {
  initVmalloc,
  kvfree,
  kvmalloc,
  lazyPagesMax,
  purgeVmalloc,
  startVmalloc,
  vfree,
  vmalloc,
  vmallocAreaFrames,
  vmallocAreaFrom,
  vmallocAreaPages,
  vmallocAreas,
  vmallocAreaTag,
  vmallocLazyPages,
  vmallocLongestFree,
  vmallocMappedPages,
  vmallocPurges,
  vmallocTablePages,
} from "./mm/kernel/vmalloc";
export {
  oomKills,
  oomPanic,
  oomPanicAt,
  oomRecordsAt,
  oomScoreOf,
  setOom,
  setPanicOnOom,
} from "./mm/oom/oom_kill";
export {
  commitLimit,
  committedPages,
  setHugetlbPages,
  setOvercommit,
  setTotalRam,
} from "./mm/oom/overcommit";
export { flagsOf, groupOf, slotOf } from "./mm/page";
export { freeRange, initPhysical, startPhysical } from "./mm/physical/boot";
export {
  freeBlocks,
  freeBlocksOfZone,
  freeListOf,
  setGroupingByMobility,
  setWatermarkBoostFactor,
  splitPage,
  unreserveHighatomic,
} from "./mm/physical/buddy";
export {
  compactAndAlloc,
  compactionCountersAt,
  compactionSuitable,
  compactMemory,
  setExtfragThreshold,
  setMigratePage,
  tryToCompact,
} from "./mm/physical/compaction";
export { fragmentationIndex, unusableFreeIndex } from "./mm/physical/fragmentation";
export {
  mappedFrames,
  newLists,
  pageFlagsAt,
  pageLinksAt,
  pageOrder,
  pageState,
  setPageState,
} from "./mm/physical/mem_map";
export {
  aboveWatermark,
  allocPages,
  freePages,
  gfpAllocFlags,
  setConfiguredZones,
  setKswapdWaker,
  setSlowPath,
  tryZones,
} from "./mm/physical/page_alloc";
export { blockAreasAt } from "./mm/physical/page_blocks";
export { clearPageSlots, initPageOps, pageOpsAt, pageSlotsAt, runPageOps } from "./mm/physical/page_ops";
export {
  defaultMinFreeKib,
  recommendedMinFreeKib,
  setupLowmemReserve,
  setupWatermarks,
} from "./mm/physical/watermarks";
export { lowmemReserve, setZone, zoneRecordAt } from "./mm/physical/zones";
export { stalledNs } from "./mm/psi";
export {
  addGroup,
  groupRecordAt,
  listPages,
  setGroupDiesTogether,
  setGroupLimits,
} from "./mm/reclaim/groups";
export { kswapdNs } from "./mm/reclaim/kswapd";
export { setChooser } from "./mm/reclaim/lru";
export { setSwappiness } from "./mm/reclaim/scan";
export { slotFrame, slotGroup, slotId, slotUsers, swapCachePages, swapUsed } from "./mm/reclaim/swap";
export { setSwapReadAhead } from "./mm/reclaim/swap_read_ahead";
export {
  addProcessorTime,
  brkTo,
  enterProcess,
  execProcess,
  exitSystemProcess,
  forkProcess,
  initSystem,
  killSystemProcess,
  madvisePages,
  mapImplicitly,
  mlockAll,
  mlockPages,
  mmapPages,
  mprotectPages,
  mremapPages,
  munlockAll,
  munlockPages,
  munmapPages,
  newSystemProcess,
  pageEntry,
  readFilePages,
  runSystemProcess,
  setBrk,
  setProcess,
  startSystem,
  syncFile,
  wakeProcess,
  warmFilePages,
  writeFilePages,
} from "./mm/system";
export { setMapCountMax } from "./mm/virtual/mmap";
export { processesUsed } from "./mm/virtual/process";
export { mapCount } from "./mm/virtual/rmap";
export { zeroFrame } from "./mm/virtual/zero_page";
