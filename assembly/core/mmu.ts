/**
 * The memory-management unit: two levels of TLB, each split for fetches and data or unified, then the walk.
 *
 *     fetch ──> L1I ┐            ┌─> hit: fill the L1
 *                   ├─ miss ─> L2┤
 *     data  ──> L1D ┘            └─> miss: walk, fault if need be, fill L2 and L1
 *
 * An L2 is looked up once for an L1 miss; there is no inclusion and no back-invalidation, and nothing is
 * flushed at a switch of address space, for tags carry it. Eviction of a page shoots its translations down in
 * every TLB and empties the paging-structure caches of its address space.
 *
 * Each core has TLBs and paging-structure caches of its own, and a shootdown reaches all of them. `PORTS` are
 * those of the core that runs, at a fixed place, so that the replay loop knows of no other:
 *
 *     PORTS        [ fetch | load | store | modify ]    copied, at a switch, from
 *     CORE_PORTS   [ core 0 ][ core 1 ] . . .
 */

import { DemandPaging } from "./fault";
import { FRAME_BIAS, frameEntry, frames, newPage, residentPages, setTag, tagIn, UNTOUCHED } from "./frames";
import { map, NO_PAGE } from "./page_table";
import { ReplacementPolicy } from "./policy";
import { ASID_SHIFT } from "./runs";
import { LRU, MISS, Tlb } from "./tlb";
import { completeWalk, restartWalk, walk } from "./walk";
import { clearWalkCaches, invalidateWalkCaches, selectWalkCaches } from "./walk_cache";

const CORES_MAX: u32 = 64;
const TLBS_MAX: u32 = 8 * CORES_MAX;
const TLBS: usize = memory.data(49152, 16);
let tlbCount: u32 = 0;
let core: u32 = 0;

const NO_TLB: u32 = u32.MAX_VALUE;

/** The way in for one kind of reference: its TLBs, and of the first the fields that the replay loop reads. */
@unmanaged
@final
export class Port {
  entries: usize;
  setMask: u32;
  setBytes: u32;
  l1: Tlb;
  /** 0 when the machine has no second level. */
  l2: usize;
  /** Whether the first level is LRU, whose hits the replay loop handles by itself. */
  lru: bool;

  /** Address of the first entry of `tag`'s set in the first level. */
  @inline
  set(tag: u64): usize {
    return this.entries + (<u32>tag & this.setMask) * this.setBytes;
  }
}

/** Added to a kind: its way in for large pages, which only the memory manager has besides small ones. */
export const LARGE_PORT: u32 = 4;

const PORT_BYTES = 32;
const PORTS_BYTES: usize = 8 * PORT_BYTES;
const PORTS: usize = memory.data(256, 16);
const CORE_PORTS: usize = memory.data(16384, 16);

/** The core that runs from now on, and whose TLBs and caches are set up. */
export function selectCore(number: u32): void {
  assert(number < CORES_MAX);
  if (number == core) return;
  memory.copy(CORE_PORTS + <usize>core * PORTS_BYTES, PORTS, PORTS_BYTES);
  memory.copy(PORTS, CORE_PORTS + <usize>number * PORTS_BYTES, PORTS_BYTES);
  core = number;
  selectWalkCaches(number);
}

/** Adds a TLB and returns its index; see tlb.ts for the policies. */
export function addTlb(sets: u32, ways: u32, policy: u32): u32 {
  assert(tlbCount < TLBS_MAX);
  tlbAt(tlbCount).init(sets, ways, policy, tlbCount + 1);
  return tlbCount++;
}

/** Sends the references of `kind` through the TLBs with the indices `l1` and `l2` (none: `u32.MAX_VALUE`). */
export function connectPort(kind: u32, l1: u32, l2: u32): void {
  const port = portAt(kind);
  const first = tlbAt(l1);
  port.entries = first.entries;
  port.setMask = first.setMask;
  port.setBytes = first.setBytes;
  port.l1 = first;
  port.lru = first.policy == LRU;
  port.l2 = l2 == NO_TLB ? 0 : changetype<usize>(tlbAt(l2));
}

/** Empties all TLBs and caches; call once the memory is committed. */
export function clearMmu(): void {
  for (let index: u32 = 0; index < tlbCount; index++) tlbAt(index).clear();
  clearWalkCaches();
}

export function portAt(kind: u32): Port {
  return changetype<Port>(PORTS + kind * PORT_BYTES);
}

function tlbAt(index: u32): Tlb {
  return changetype<Tlb>(TLBS + index * offsetof<Tlb>());
}

/** Address of a TLB's record; see tlb.ts. */
export function tlbRecordAt(index: u32): usize {
  return changetype<usize>(tlbAt(index));
}

export function tlbMisses(index: u32): f64 {
  return <f64>tlbAt(index).misses;
}

/** Translations that evictions removed from the TLB. */
export function tlbInvalidated(index: u32): f64 {
  return <f64>tlbAt(index).invalidated;
}

/** Set in what `translate` returns when the reference faulted. */
export const FAULTED: u32 = 1 << 31;

/** What `translate` returns when an engine's 4 GiB cannot hold another page or page-table node. */
export const EXHAUSTED: u32 = u32.MAX_VALUE;

/**
 * The frame of `tag`'s page for the first reference of a run that the replay loop could not find in the L1 by
 * itself: all that comes before the replacement policy hears of the run. `walkHits` tells the policy of the
 * walks that find their page (accessed bits set by the walk alone).
 */
export function translate<P extends ReplacementPolicy>(
  policy: P,
  port: Port,
  tag: u64,
  references: u32,
  position: u64,
  walkHits: bool,
): u32 {
  const hit = port.l1.lookup(tag, references);
  if (hit != MISS) return hit;

  const l2 = changetype<Tlb>(port.l2);
  if (port.l2 != 0) {
    const pfn = l2.lookup(tag, 1);
    if (pfn != MISS) {
      port.l1.fill(tag, pfn, references);
      return pfn;
    }
  }

  let page = walk(tag);
  let pfn: u32;
  let faulted: u32 = 0;
  const entry = page == NO_PAGE ? UNTOUCHED : frameEntry(page);
  if (entry >= FRAME_BIAS) {
    pfn = entry - FRAME_BIAS;
    if (walkHits) policy.onHit(pfn, 1);
    completeWalk(tag);
  } else {
    if (page == NO_PAGE) {
      page = newPage();
      if (page == NO_PAGE || !map(tag, page)) return EXHAUSTED;
    }
    const full = residentPages() == frames();
    pfn = DemandPaging.fault<P>(policy, page, position);
    if (full) shootDown(tagIn(pfn));
    setTag(pfn, tag);
    faulted = FAULTED;
    restartWalk(tag);
  }
  if (port.l2 != 0) l2.fill(tag, pfn, 1);
  port.l1.fill(tag, pfn, references);
  return pfn | faulted;
}

/** Removes the translation of `tag` from every TLB, and all paths to its address space from the caches. */
export function shootDown(tag: u64): void {
  for (let index: u32 = 0; index < tlbCount; index++) tlbAt(index).invalidate(tag);
  invalidateWalkCaches(tag >> ASID_SHIFT);
}

/** Removes all translations of the address space of `tag`. */
export function flushSpace(tag: u64): void {
  const asid = tag >> ASID_SHIFT;
  for (let index: u32 = 0; index < tlbCount; index++) tlbAt(index).invalidateSpace(asid);
  invalidateWalkCaches(asid);
}
