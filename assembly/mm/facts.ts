/**
 * What TypeScript reads of processes, areas and cgroups: numbers in a row, f64 each, in the orders that
 * src/engine/system_facts.ts names. Valid until the next call.
 */

import { isDirty } from "../core/frames";
import { fileAt, shmemSlot } from "./file/files";
import { hasFlag, PG_LARGE } from "./page";
import { ANON, HUGETLB, pageState } from "./physical/mem_map";
import { groupAt } from "./reclaim/groups";
import { isSwapPte, nextEntry, PRESENT, ptePfn, readEntry } from "./virtual/page_tables";
import { MM_ANON, MM_FILE, MM_SHMEM, MM_SWAP, processAt } from "./virtual/process";
import { mapCount } from "./virtual/rmap";
import { vmaAt } from "./virtual/vma";
import { isZeroFrame } from "./virtual/zero_page";

const FACTS: usize = memory.data(256, 16);
let next: usize = 0;

function put(value: f64): void {
  store<f64>(next, value);
  next += 8;
}

/** What a process is doing; see process.ts. */
export function processState(asid: u32): u32 {
  return processAt(asid).state;
}

/** Until when it waits. */
export function wakeTime(asid: u32): f64 {
  return processAt(asid).wakeAt;
}

/** How long it has waited for memory, or will have when it goes on. */
export function processStalledNs(asid: u32): f64 {
  return processAt(asid).stalledNs;
}

/** See PROCESS_FACTS. */
export function processFacts(asid: u32): usize {
  const process = processAt(asid);
  next = FACTS;
  put(<f64>process.state);
  put(<f64>process.killedBy);
  put(<f64>process.pid);
  put(process.wakeAt);
  put(<f64>process.pagesOf(MM_FILE));
  put(<f64>process.pagesOf(MM_ANON));
  put(<f64>process.pagesOf(MM_SHMEM));
  put(<f64>process.pagesOf(MM_SWAP));
  put(<f64>process.tablePages);
  put(<f64>process.rssMax);
  put(<f64>process.totalVm);
  put(<f64>process.lockedVm);
  put(<f64>process.minorFaults);
  put(<f64>process.majorFaults);
  put(<f64>process.swapIns);
  put(<f64>process.swapOuts);
  put(process.stalledNs);
  put(<f64>process.vmaCount);
  put(<f64>process.brkStart);
  put(<f64>process.brkEnd);
  put(<f64>process.hugetlbPages);
  put(<f64>process.blocksIn);
  put(<f64>process.blocksOut);
  return FACTS;
}

/** Area number `index` of a process, with what of it is where; see AREA_FACTS. Pages, all of them. */
export function areaFacts(asid: u32, index: u32): usize {
  const process = processAt(asid);
  const vma = vmaAt(process, index);
  let resident: u32 = 0;
  let proportional: f64 = 0;
  let sharedClean: u32 = 0;
  let sharedDirty: u32 = 0;
  let privateClean: u32 = 0;
  let privateDirty: u32 = 0;
  let anonymous: u32 = 0;
  let swapped: u32 = 0;
  let large: u32 = 0;
  let hugetlb: u32 = 0;
  for (
    let vpn = nextEntry(process, vma.start, vma.end);
    vpn < vma.end;
    vpn = nextEntry(process, vpn + 1, vma.end)
  ) {
    const entry = readEntry(process, vpn);
    if (isSwapPte(entry)) swapped++;
    if ((entry & PRESENT) == 0) continue;
    const pfn = ptePfn(entry);
    if (isZeroFrame(pfn)) continue;
    if (pageState(pfn) == HUGETLB) {
      hugetlb++;
      continue;
    }
    const mappings = mapCount(pfn);
    const dirty = isDirty(pfn) != 0;
    resident++;
    proportional += 1 / <f64>max<u32>(mappings, 1);
    if (pageState(pfn) == ANON) anonymous++;
    if (hasFlag(pfn, PG_LARGE)) large++;
    if (mappings > 1 && dirty) sharedDirty++;
    else if (mappings > 1) sharedClean++;
    else if (dirty) privateDirty++;
    else privateClean++;
  }
  next = FACTS;
  put(<f64>vma.start);
  put(<f64>vma.end);
  put(<f64>vma.flags);
  put(<f64>vma.file);
  put(<f64>vma.offset);
  put(<f64>vma.label);
  put(<f64>resident);
  put(proportional);
  put(<f64>sharedClean);
  put(<f64>sharedDirty);
  put(<f64>privateClean);
  put(<f64>privateDirty);
  put(<f64>anonymous);
  put(<f64>swapped);
  put(<f64>large);
  put(<f64>hugetlb);
  return FACTS;
}

/** See GROUP_FACTS. */
export function groupFacts(index: u32): usize {
  const group = groupAt(index);
  next = FACTS;
  put(<f64>group.charged);
  put(<f64>group.chargedMax);
  put(<f64>group.swapped);
  put(<f64>group.highEvents);
  put(<f64>group.maxEvents);
  put(<f64>group.oomKills);
  put(<f64>group.oomGroupKills);
  return FACTS;
}

/** Address of a file's record; see files.ts. */
export function fileRecordAt(file: u32): usize {
  return changetype<usize>(fileAt(file));
}

/** The slot of a page of shared memory that is swapped out; 0: none. */
export function sharedSlot(file: u32, index: u32): u32 {
  return shmemSlot(fileAt(file), index);
}

/** How many pages of a file are cached. */
export function cachedPages(file: u32): u32 {
  return fileAt(file).cached;
}
