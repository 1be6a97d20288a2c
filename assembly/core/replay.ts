/**
 * The hot loops. Each is generic over the policy and compiled once for every policy, so that nothing is
 * called while references hit.
 */

import { DemandPaging } from "./fault";
import { dirtyAt, FRAME_BIAS, frameOfAt, pagesMax } from "./frames";
import { hitWithTicks, tickUntil } from "./interval";
import { EXHAUSTED, FAULTED, portAt, translate } from "./mmu";
import { policyState, ReplacementPolicy } from "./policy";
import { attrsAt, futuresAt, idsAt, KIND_MASK, REFERENCES_SHIFT, STORE, tagsAt, VPN_MASK } from "./runs";
import { stats } from "./stats";
import { PAYLOAD, Tlb } from "./tlb";

/** A page map of so many entries is in a processor's first cache; those of others are fetched ahead. */
const NEAR_PAGES: u32 = 1 << 13;
const AHEAD_RUNS: u32 = 256;
/** Where what was seen on the way goes, so that the compiler cannot leave the fetching out. */
const SEEN: usize = memory.data(4, 4);

let accessedByWalk: bool = false;

/**
 * Whether only page walks set accessed bits, as on x86, or every reference, as papers assume (the default).
 */
export function setAccessedByWalk(value: bool): void {
  accessedByWalk = value;
}

export function isAccessedByWalk(): bool {
  return accessedByWalk;
}

/**
 * Replays the first `count` runs of the run buffer through TLBs, page walk, frame table and policy.
 * Returns how many were replayed; fewer than `count` means that memory has run out.
 */
export function replayMachine<P extends ReplacementPolicy>(count: u32): u32 {
  const policy = policyState<P>();
  const tags = tagsAt();
  const attrs = attrsAt();
  const futures = futuresAt();
  const dirty = dirtyAt();
  // A policy that knows the future needs no accessed bits, but it must see time pass.
  const byWalk = accessedByWalk && !isDefined(policy.onFuture);
  let position = stats.references;

  let run: u32 = 0;
  while (run < count) {
    const tag = load<u64>(tags + ((<usize>run) << 3));
    const attr = <u32>load<u16>(attrs + ((<usize>run) << 1));
    const references = (attr >> REFERENCES_SHIFT) + 1;
    const kind = attr & KIND_MASK;
    const port = portAt(kind);
    if (load<u64>(port.set(tag)) != tag) {
      if (isDefined(policy.onFuture)) policy.onFuture(load<u64>(futures + ((<usize>run) << 3)));
      if (isDefined(policy.onInterval)) tickUntil<P>(policy, position);
      let pfn = translate<P>(policy, port, tag, references, position, byWalk);
      let hits = references;
      if (pfn & FAULTED) {
        if (pfn == EXHAUSTED) {
          stats.references = position;
          return run;
        }
        pfn ^= FAULTED;
        hits--;
      }
      if (!byWalk && hits != 0) Resident.hit<P>(policy, pfn, hits, position + (references - hits));
      if (kind >= STORE) store<u8>(dirty + pfn, 1);
      if (isDefined(policy.onWrite)) {
        if (kind >= STORE) policy.onWrite(pfn);
      }
      position += references;
      run++;
    }

    // The runs that hit the first TLB level. V8 keeps this loop's variables in registers because nothing is
    // called in it, and because it is reached without a call too: hence the test above, repeated here.
    for (; run < count; run++) {
      const tag = load<u64>(tags + ((<usize>run) << 3));
      const attr = <u32>load<u16>(attrs + ((<usize>run) << 1));
      const references = (attr >> REFERENCES_SHIFT) + 1;
      const kind = attr & KIND_MASK;
      const port = portAt(kind);
      const set = port.set(tag);
      if (load<u64>(set) != tag) {
        if (!port.lru) break;
        const end = set + port.setBytes;
        const at = Tlb.search(set, end, tag);
        if (at >= end) break;
        Tlb.moveFirst(set, at);
      }
      const pfn = load<u32>(set, PAYLOAD);
      if (isDefined(policy.onFuture)) policy.onFuture(load<u64>(futures + ((<usize>run) << 3)));
      if (!byWalk) Resident.hit<P>(policy, pfn, references, position);
      if (kind >= STORE) store<u8>(dirty + pfn, 1);
      if (isDefined(policy.onWrite)) {
        if (kind >= STORE) policy.onWrite(pfn);
      }
      position += references;
    }
  }
  stats.references = position;
  return count;
}

/**
 * The policy lab: replays the first `count` runs of the run buffer by their interned page ids, without an
 * MMU.
 */
export function replayIds<P extends ReplacementPolicy>(count: u32): u32 {
  const policy = policyState<P>();
  const ids = idsAt();
  const attrs = attrsAt();
  const futures = futuresAt();
  const frameOf = frameOfAt();
  const dirty = dirtyAt();
  let position = stats.references;

  const isFar = pagesMax() > NEAR_PAGES;
  let run: u32 = 0;
  while (run < count) {
    let end = count;
    if (isFar) {
      end = min(count, run + AHEAD_RUNS);
      Resident.touch(frameOf, ids, run, end);
    }
    for (; run < end; run++) {
      const page = load<u32>(ids + ((<usize>run) << 2));
      const attr = <u32>load<u16>(attrs + ((<usize>run) << 1));
      const references = (attr >> REFERENCES_SHIFT) + 1;
      const kind = attr & KIND_MASK;
      if (isDefined(policy.onFuture)) policy.onFuture(load<u64>(futures + ((<usize>run) << 3)));

      const entry = load<u32>(frameOf + ((<usize>page) << 2));
      let pfn = entry - FRAME_BIAS;
      if (entry >= FRAME_BIAS) {
        Resident.hit<P>(policy, pfn, references, position);
      } else {
        if (isDefined(policy.onInterval)) tickUntil<P>(policy, position);
        pfn = DemandPaging.fault<P>(policy, page, position);
        if (references > 1) Resident.hit<P>(policy, pfn, references - 1, position + 1);
      }
      if (kind >= STORE) store<u8>(dirty + pfn, 1);
      if (isDefined(policy.onWrite)) {
        if (kind >= STORE) policy.onWrite(pfn);
      }
      position += references;
    }
  }
  stats.references = position;
  return count;
}

/**
 * What a TLB of the memory manager's holds, and its translation returns: bits for kinds of reference that are
 * not allowed, one for a frame that no policy holds, and the frame.
 *
 *     31    28   27        26             0
 *    ┌────────┬───────────┬────────────────┐
 *    │ denied │ unmanaged │      pfn       │      denied: bit 28 + kind
 *    └────────┴───────────┴────────────────┘
 */
export const DENIED_SHIFT: u32 = 28;
export const UNMANAGED: u32 = 1 << 27;
export const PFN_MASK: u32 = UNMANAGED - 1;

/** In what the translation returns: the reference faulted, and the policy has heard of it. */
export const FAULT_DONE: u32 = 1 << 28;
/** What the translation returns when the process cannot go on: it waits, or it is no more. */
export const STOPPED: u32 = u32.MAX_VALUE;

let translation: u32 = 0;

/**
 * Sets the function, by its number in the table, that finds the frame of (kind, tag, references) for the
 * memory manager.
 */
export function setTranslation(index: u32): void {
  translation = index;
}

/**
 * Replays runs `from` to `to` of two columns in one address space of the memory manager: as `replayMachine`,
 * but a TLB also knows what is allowed, and what it does not know is asked of the manager. Returns the run
 * before which the process stopped, or `to`.
 */
export function replaySpace<P extends ReplacementPolicy>(
  tags: usize,
  attrs: usize,
  from: u32,
  to: u32,
  space: u64,
): u32 {
  const policy = policyState<P>();
  const dirty = dirtyAt();
  const byWalk = accessedByWalk;
  let position = stats.references;

  let run = from;
  while (run < to) {
    const tag = (load<u64>(tags + ((<usize>run) << 3)) & VPN_MASK) | space;
    const attr = <u32>load<u16>(attrs + ((<usize>run) << 1));
    const references = (attr >> REFERENCES_SHIFT) + 1;
    const kind = attr & KIND_MASK;
    stats.references = position;
    const found = call_indirect<u32>(translation, kind, tag, references);
    if (found == STOPPED) return run;
    const pfn = found & PFN_MASK;
    const hits = found & FAULT_DONE ? references - 1 : references;
    if (!(found & UNMANAGED)) {
      if (!byWalk && hits != 0) Resident.hit<P>(policy, pfn, hits, position + (references - hits));
      if (isDefined(policy.onWrite)) {
        if (kind >= STORE) policy.onWrite(pfn);
      }
    }
    if (kind >= STORE) store<u8>(dirty + pfn, 1);
    position += references;
    run++;

    for (; run < to; run++) {
      const tag = (load<u64>(tags + ((<usize>run) << 3)) & VPN_MASK) | space;
      const attr = <u32>load<u16>(attrs + ((<usize>run) << 1));
      const references = (attr >> REFERENCES_SHIFT) + 1;
      const kind = attr & KIND_MASK;
      const port = portAt(kind);
      const set = port.set(tag);
      if (load<u64>(set) != tag) {
        if (!port.lru) break;
        const end = set + port.setBytes;
        const at = Tlb.search(set, end, tag);
        if (at >= end) break;
        Tlb.moveFirst(set, at);
      }
      const payload = load<u32>(set, PAYLOAD);
      if (((payload >> DENIED_SHIFT) >> kind) & 1) break;
      const pfn = payload & PFN_MASK;
      if (!(payload & UNMANAGED)) {
        if (!byWalk) Resident.hit<P>(policy, pfn, references, position);
        if (isDefined(policy.onWrite)) {
          if (kind >= STORE) policy.onWrite(pfn);
        }
      }
      if (kind >= STORE) store<u8>(dirty + pfn, 1);
      position += references;
    }
  }
  stats.references = position;
  return to;
}

/** A class for the sake of `@inline`, as in fault.ts. */
class Resident {
  /** Nothing waits for these loads, so they overlap; those that follow decide branches. */
  @inline
  static touch(frameOf: usize, ids: usize, from: u32, to: u32): void {
    let seen: u32 = 0;
    for (let run = from; run < to; run++) {
      const page = load<u32>(ids + ((<usize>run) << 2));
      seen |= load<u32>(frameOf + ((<usize>page) << 2));
    }
    store<u32>(SEEN, seen);
  }

  @inline
  static hit<P extends ReplacementPolicy>(policy: P, pfn: u32, references: u32, position: u64): void {
    if (isDefined(policy.onInterval)) hitWithTicks<P>(policy, pfn, references, position);
    else policy.onHit(pfn, references);
  }
}
