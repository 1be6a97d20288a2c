/**
 * What a memory manager tells a policy and asks it, a page at a time: pages come into any free frame, go by
 * themselves, and are chosen ahead of need. Each function is compiled for every policy and called through the
 * registry; what a policy lacks does nothing.
 *
 *     fault          policyFill(pfn, page)                                binds the page to the frame
 *     reference      policyHit(pfn, n), policyWrite(pfn)    the latter marks it dirty
 *     reclaim        pfn = policyVictim(), page = pageIn(pfn), evictFrom(pfn), policyEvict(pfn, page)
 *     put back       the victim stays: policyForget(page), policyFill(pfn, page)
 *     unmap, exit    policyRemove(pfn), unbind(pfn);  of a page not resident: policyForget(page),
 *     forgetPage(page) lock           policyRemove(pfn), and it stays bound;  unlock: policyFill(pfn, page)
 *
 * A page that comes in locked, without `policyFill`, needs `policyForget` before it is bound: its entry in
 * the page map is where ghosts are noted. Time, for policies with intervals, is the references told here.
 */

import {
  bind,
  FRAME_BIAS,
  frameEntry,
  frames,
  hold,
  isDirty,
  isHeld,
  noteShortage,
  release,
  setDirty,
} from "./frames";
import { checkHeldVictim } from "./guard";
import { hitWithTicks, tickUntil } from "./interval";
import { NO_PAGE_WAITING, policyState, ReplacementPolicy } from "./policy";

let position: u64 = 0;

export function fillManaged<P extends ReplacementPolicy>(pfn: u32, page: u32): void {
  const policy = policyState<P>();
  if (isDefined(policy.onInterval)) tickUntil<P>(policy, position);
  if (isDefined(policy.onReturn)) policy.onReturn(page);
  if (frameEntry(page) < FRAME_BIAS) bind(pfn, page);
  hold(pfn);
  policy.onFill(pfn, page);
  if (isDefined(policy.onWrite)) {
    if (isDirty(pfn) != 0) policy.onWrite(pfn);
  }
  position++;
}

export function victimManaged<P extends ReplacementPolicy>(): u32 {
  const policy = policyState<P>();
  noteShortage();
  if (isDefined(policy.onInterval)) tickUntil<P>(policy, position);
  const pfn = policy.victim(NO_PAGE_WAITING);
  if (isDefined(CUSTOM_POLICY)) checkHeldVictim(pfn);
  else assert(pfn < frames() && isHeld(pfn));
  release(pfn);
  return pfn;
}

export function evictManaged<P extends ReplacementPolicy>(pfn: u32, page: u32): void {
  const policy = policyState<P>();
  if (isDefined(policy.onEvict)) policy.onEvict(pfn, page);
}

export function removeManaged<P extends ReplacementPolicy>(pfn: u32): void {
  const policy = policyState<P>();
  if (isDefined(policy.onRemove)) policy.onRemove(pfn);
  release(pfn);
}

export function forgetManaged<P extends ReplacementPolicy>(page: u32): void {
  const policy = policyState<P>();
  if (isDefined(policy.onForget)) policy.onForget(page);
}

export function hitManaged<P extends ReplacementPolicy>(pfn: u32, references: u32): void {
  const policy = policyState<P>();
  if (isDefined(policy.onInterval)) hitWithTicks<P>(policy, pfn, references, position);
  else policy.onHit(pfn, references);
  position += references;
}

export function writeManaged<P extends ReplacementPolicy>(pfn: u32): void {
  const policy = policyState<P>();
  setDirty(pfn);
  if (isDefined(policy.onWrite)) policy.onWrite(pfn);
}
