/**
 * What makes a policy known: `register<P>()` compiles every loop for `P` and keeps them in one table, so that
 * a policy file ends with that one call and policies/index.ts imports it with one line.
 * A call through the table happens once for a block of runs, never for a reference.
 */

import { policyState, ReplacementPolicy } from "./policy";
import { replayIds, replayMachine } from "./replay";

const POLICIES_MAX: u32 = 64;

@unmanaged
@final
class Entry {
  about: u32;
  init: u32;
  replayMachine: u32;
  replayIds: u32;
  clairvoyant: bool;
}

const ENTRIES: usize = memory.data(1280, 16);
let count: u32 = 0;
let chosen: u32 = 0;

export function register<P extends ReplacementPolicy>(): void {
  assert(count < POLICIES_MAX);
  const entry = entryAt(count++);
  const about = (): string => policyState<P>().about();
  const init = (frames: u32, pages: u32): void => policyState<P>().init(frames, pages);
  const machine = (runs: u32): u32 => replayMachine<P>(runs);
  const ids = (runs: u32): u32 => replayIds<P>(runs);
  entry.clairvoyant = isDefined(policyState<P>().onFuture);
  entry.about = about.index;
  entry.init = init.index;
  entry.replayMachine = machine.index;
  entry.replayIds = ids.index;
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

function entryAt(index: u32): Entry {
  return changetype<Entry>(ENTRIES + index * offsetof<Entry>());
}
