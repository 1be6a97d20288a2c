/**
 * The way of a reference that the first TLB level did not settle: the TLBs of small and of large pages, the
 * walk of the process's tables, and the fault. See core/mmu.ts for what a hit in a TLB is, and replaySpace of
 * core/replay.ts for what is returned.
 */

import { accessedAt } from "../../core/frames";
import { LARGE_PORT, Port, portAt, shootDown } from "../../core/mmu";
import { find, leafDepth, pathEndDepth } from "../../core/page_table";
import { policyHit } from "../../core/registry";
import {
  DENIED_SHIFT,
  FAULT_DONE,
  isAccessedByWalk,
  PFN_MASK,
  STOPPED,
  setTranslation,
  UNMANAGED,
} from "../../core/replay";
import { FETCH, MODIFY, STORE, VPN_MASK } from "../../core/runs";
import { stats } from "../../core/stats";
import { MISS, Tlb } from "../../core/tlb";
import { completeWalk, restartWalk, walk } from "../../core/walk";
import { COST_L2_TLB, COST_REFERENCE, COST_WALK_REFERENCE, costOf, spend } from "../clock";
import { runFlusher } from "../file/flusher";
import { runKhugepaged } from "../huge/khugepaged";
import { largeTag, usesLargePages } from "../huge/large_tag";
import { PG_FRESH, takeFlag } from "../page";
import { runKswapd } from "../reclaim/kswapd";
import { BY_POLICY, chooserOfPages, isUnmanaged } from "../reclaim/lru";
import { finishWrites } from "../reclaim/writeback";
import { DONE, handleFault, WAITS } from "./fault";
import { DENY_FETCH, DENY_READ, DENY_WRITE, PRESENT, ptePfn } from "./page_tables";
import { processOf, WAITING } from "./process";

/** References whose time has been spent. */
let timed: u64 = 0;

export function initTranslation(): void {
  const find = (kind: u32, tag: u64, references: u32): u32 => translate(kind, tag, references);
  setTranslation(find.index);
}

/** Spends the time of the references that have hit since this was last called. */
export function spendReferences(): void {
  spend(<f64>(stats.references - timed) * costOf(COST_REFERENCE));
  timed = stats.references;
}

function translate(kind: u32, tag: u64, references: u32): u32 {
  spendReferences();
  const payload = lookUp(kind, tag, references);
  if (payload != MISS) {
    if ((((payload >> DENIED_SHIFT) >> kind) & 1) == 0) return payload & (PFN_MASK | UNMANAGED);
    shootDown(tag);
    if (usesLargePages()) shootDown(largeTag(tag));
  }

  runKhugepaged();
  const walked = stats.walkReferences;
  let entry = walk(tag) + 1;
  spend(<f64>(stats.walkReferences - walked) * costOf(COST_WALK_REFERENCE));
  if (entry & PRESENT && !denies(entry, kind)) {
    completeWalk(tag);
    if (isAccessedByWalk()) markWalked(ptePfn(entry));
  } else {
    finishWrites();
    runKswapd();
    runFlusher();
    const process = processOf(tag);
    // What a fault has to reclaim may take away the very page that it was about: it is taken again then.
    do {
      const outcome = handleFault(process, tag & VPN_MASK, kind);
      if (outcome != DONE) {
        if (outcome == WAITS) process.state = WAITING;
        return STOPPED;
      }
      entry = find(tag) + 1;
    } while (!(entry & PRESENT) || denies(entry, kind));
    restartWalk(tag);
  }
  const found = payloadOf(entry);
  if (pathEndDepth() == leafDepth()) fill(portAt(kind), tag, found, references);
  else fill(portAt(kind + LARGE_PORT), largeTag(tag), found, references);
  // For a policy the reference that brought a page in is its first.
  return (found & (PFN_MASK | UNMANAGED)) | (takeFlag(ptePfn(entry), PG_FRESH) ? FAULT_DONE : 0);
}

/** Both sizes are looked up at once, level by level. */
function lookUp(kind: u32, tag: u64, references: u32): u32 {
  const small = portAt(kind);
  let payload = small.l1.lookup(tag, references);
  if (payload != MISS) return payload;
  if (!usesLargePages()) {
    if (small.l2 != 0) spend(costOf(COST_L2_TLB));
    return lookUpSecond(small, tag, references);
  }
  const large = portAt(kind + LARGE_PORT);
  payload = large.l1.lookup(largeTag(tag), references);
  if (payload != MISS) return payload;
  if (small.l2 != 0 || large.l2 != 0) spend(costOf(COST_L2_TLB));
  payload = lookUpSecond(small, tag, references);
  return payload != MISS ? payload : lookUpSecond(large, largeTag(tag), references);
}

function lookUpSecond(port: Port, tag: u64, references: u32): u32 {
  if (port.l2 == 0) return MISS;
  const payload = changetype<Tlb>(port.l2).lookup(tag, 1);
  if (payload != MISS) port.l1.fill(tag, payload, references);
  return payload;
}

function fill(port: Port, tag: u64, payload: u32, references: u32): void {
  if (port.l2 != 0) changetype<Tlb>(port.l2).fill(tag, payload, 1);
  port.l1.fill(tag, payload, references);
}

/** Whether an entry does not allow such a reference. */
function denies(entry: u32, kind: u32): bool {
  if (kind >= STORE) return (entry & DENY_WRITE) != 0;
  return (entry & (kind == FETCH ? DENY_FETCH : DENY_READ)) != 0;
}

function payloadOf(entry: u32): u32 {
  const pfn = ptePfn(entry);
  let payload = pfn;
  for (let kind = FETCH; kind <= MODIFY; kind++) {
    if (denies(entry, kind)) payload |= 1 << (DENIED_SHIFT + kind);
  }
  return isUnmanaged(pfn) ? payload | UNMANAGED : payload;
}

/** A walk sets the accessed bit. */
function markWalked(pfn: u32): void {
  if (chooserOfPages() != BY_POLICY) store<u8>(accessedAt() + pfn, 1);
  else if (!isUnmanaged(pfn)) policyHit(pfn, 1);
}
