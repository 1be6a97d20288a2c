/**
 * What makes a policy known: `register<P>()` compiles every loop for `P` and keeps them in one table, so that
 * a policy file ends with that one call and policies/index.ts imports it with one line.
 * In a replay a call through the table happens once for a block of runs, never for a reference; a memory
 * manager calls through it for each page that comes or goes (managed.ts).
 */

import {
  evictManaged,
  fillManaged,
  forgetManaged,
  hitManaged,
  removeManaged,
  victimManaged,
  writeManaged,
} from "./managed";
import { policyState, ReplacementPolicy } from "./policy";
import { replayIds, replayMachine, replaySpace } from "./replay";

const POLICIES_MAX: u32 = 64;

@unmanaged
@final
class Entry {
  about: u32;
  init: u32;
  replayMachine: u32;
  replayIds: u32;
  replaySpace: u32;
  fill: u32;
  victim: u32;
  evict: u32;
  remove: u32;
  forget: u32;
  hit: u32;
  write: u32;
  clairvoyant: bool;
  canRemove: bool;
}

const ENTRIES: usize = memory.data(3072, 16);
let count: u32 = 0;
let chosen: u32 = 0;

export function register<P extends ReplacementPolicy>(): void {
  assert(count < POLICIES_MAX);
  const entry = entryAt(count++);
  const about = (): string => policyState<P>().about();
  const init = (frames: u32, pages: u32): void => policyState<P>().init(frames, pages);
  const machine = (runs: u32): u32 => replayMachine<P>(runs);
  const ids = (runs: u32): u32 => replayIds<P>(runs);
  const space = (tags: usize, attrs: usize, from: u32, to: u32, asid: u64): u32 =>
    replaySpace<P>(tags, attrs, from, to, asid);
  const fill = (pfn: u32, page: u32): void => fillManaged<P>(pfn, page);
  const victim = (): u32 => victimManaged<P>();
  const evict = (pfn: u32, page: u32): void => evictManaged<P>(pfn, page);
  const remove = (pfn: u32): void => removeManaged<P>(pfn);
  const forget = (page: u32): void => forgetManaged<P>(page);
  const hit = (pfn: u32, references: u32): void => hitManaged<P>(pfn, references);
  const write = (pfn: u32): void => writeManaged<P>(pfn);
  entry.clairvoyant = isDefined(policyState<P>().onFuture);
  entry.canRemove = isDefined(policyState<P>().onRemove);
  entry.about = about.index;
  entry.init = init.index;
  entry.replayMachine = machine.index;
  entry.replayIds = ids.index;
  entry.replaySpace = space.index;
  entry.fill = fill.index;
  entry.victim = victim.index;
  entry.evict = evict.index;
  entry.remove = remove.index;
  entry.forget = forget.index;
  entry.hit = hit.index;
  entry.write = write.index;
}

export function policyCount(): u32 {
  return count;
}

/** The declaration of policy number `index`, as JSON. */
export function policyAbout(index: u32): string {
  return call_indirect<string>(entryAt(index).about);
}

/** Whether the policy must know the future: its runs then need the column of next uses. */
export function policyIsClairvoyant(index: u32): bool {
  return entryAt(index).clairvoyant;
}

/** Whether pages can go without its doing, so that a memory manager can use it. */
export function policyCanRemove(index: u32): bool {
  return entryAt(index).canRemove;
}

/** Makes policy number `index` the instance's; its parameters must have been set. */
export function initPolicy(index: u32, frames: u32, pages: u32): void {
  chosen = index;
  call_indirect<void>(entryAt(index).init, frames, pages);
}

/** See `replayMachine` in replay.ts. */
export function replay(runs: u32): u32 {
  return call_indirect<u32>(entryAt(chosen).replayMachine, runs);
}

/** See `replayIds` in replay.ts. */
export function replayInterned(runs: u32): u32 {
  return call_indirect<u32>(entryAt(chosen).replayIds, runs);
}

/** See `replaySpace` in replay.ts. */
export function policyReplay(tags: usize, attrs: usize, from: u32, to: u32, space: u64): u32 {
  return call_indirect<u32>(entryAt(chosen).replaySpace, tags, attrs, from, to, space);
}

/** `page`, not held yet, is in the free frame `pfn`, to which it is bound if it was not. */
export function policyFill(pfn: u32, page: u32): void {
  call_indirect<void>(entryAt(chosen).fill, pfn, page);
}

/** The frame whose page shall go, which the policy does not hold any more; it must hold one. */
export function policyVictim(): u32 {
  return call_indirect<u32>(entryAt(chosen).victim);
}

/** After `policyVictim` and `evictFrom`: `page` has left `pfn`. */
export function policyEvict(pfn: u32, page: u32): void {
  call_indirect<void>(entryAt(chosen).evict, pfn, page);
}

/** The page in `pfn` goes, or is locked; call this before `unbind`. */
export function policyRemove(pfn: u32): void {
  call_indirect<void>(entryAt(chosen).remove, pfn);
}

/** `page`, which the policy does not hold, shall leave no trace. */
export function policyForget(page: u32): void {
  call_indirect<void>(entryAt(chosen).forget, page);
}

/** The page in `pfn` is referenced so many times in a row. */
export function policyHit(pfn: u32, references: u32): void {
  call_indirect<void>(entryAt(chosen).hit, pfn, references);
}

/** The page in `pfn` is written to: marks it dirty. */
export function policyWrite(pfn: u32): void {
  call_indirect<void>(entryAt(chosen).write, pfn);
}

function entryAt(index: u32): Entry {
  return changetype<Entry>(ENTRIES + index * offsetof<Entry>());
}
