/**
 * Page runs: consecutive references of one kind to one page, folded. What every decoder makes and every
 * replay loop takes, in two parallel columns:
 *
 *     tag   u64   63      52 51                     0
 *                ┌──────────┬────────────────────────┐
 *                │   asid   │  vpn, in pages of the  │
 *                │          │  run's page size       │
 *                └──────────┴────────────────────────┘
 *     attr  u16   15                         2 1    0
 *                ┌────────────────────────────┬──────┐
 *                │       references - 1       │ kind │
 *                └────────────────────────────┴──────┘
 *
 * Kinds: 0 fetch, 1 load, 2 store, 3 modify (a load and a store, one reference); bit 1 says "writes".
 * Where pages have been interned, a third column of u32 page ids stands in for the tags.
 */

import { reserve } from "../layout";

export const ASID_SHIFT: u64 = 52;
export const VPN_MASK: u64 = (1 << ASID_SHIFT) - 1;
/** No page has this tag: it would need asid 4095, which is never given. */
export const NO_TAG: u64 = u64.MAX_VALUE;

export const KIND_MASK: u32 = 3;
export const FETCH: u32 = 0;
export const LOAD: u32 = 1;
export const STORE: u32 = 2;
export const MODIFY: u32 = 3;

export const REFERENCES_SHIFT: u32 = 2;
export const RUN_REFERENCES_MAX: u32 = 1 << 14;

let capacity: u32 = 0;
let tags: usize = 0;
let attrs: usize = 0;
let ids: usize = 0;
let futures: usize = 0;

/** Reserves the run buffer; `interned` adds the column of page ids, `clairvoyant` that of next uses. */
export function initRuns(runs: u32, interned: bool, clairvoyant: bool): void {
  capacity = runs;
  tags = reserve((<u64>runs) << 3);
  attrs = reserve((<u64>runs) << 1);
  ids = interned ? reserve((<u64>runs) << 2) : 0;
  futures = clairvoyant ? reserve((<u64>runs) << 3) : 0;
}

export function runCapacity(): u32 {
  return capacity;
}
export function tagsAt(): usize {
  return tags;
}
export function attrsAt(): usize {
  return attrs;
}
/** Address of the column of page ids. */
export function idsAt(): usize {
  return ids;
}
/** Address of the column of next uses, u64 run numbers. */
export function futuresAt(): usize {
  return futures;
}

/** A class for the sake of `@inline`. */
export class Runs {
  /** Copies an interned run from one place to another, for those that drop some; returns its page. */
  @inline
  static move(ids: usize, attrs: usize, from: u32, to: u32): u32 {
    const page = load<u32>(ids + ((<usize>from) << 2));
    store<u32>(ids + ((<usize>to) << 2), page);
    store<u16>(attrs + ((<usize>to) << 1), load<u16>(attrs + ((<usize>from) << 1)));
    return page;
  }
}

/** Drops the interned runs whose kind is not in `include`, a bit a kind; returns how many remain. */
export function keepKinds(count: u32, include: u32): u32 {
  let kept: u32 = 0;
  for (let run: u32 = 0; run < count; run++) {
    const attr = <u32>load<u16>(attrs + ((<usize>run) << 1));
    Runs.move(ids, attrs, run, kept);
    kept += (include >> (attr & KIND_MASK)) & 1;
  }
  return kept;
}
