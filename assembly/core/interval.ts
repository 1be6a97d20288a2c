/**
 * The sense of time that interval policies have (NRU's clearing of R bits, ageing): `onInterval` comes before
 * reference n, counted from 0, whenever n > 0 is a multiple of the policy's interval, in the middle of a run
 * too.
 */

import { ReplacementPolicy } from "./policy";

let nextTick: u64 = 0;

/** Makes up for the intervals that have ended before reference number `position`. */
export function tickUntil<P extends ReplacementPolicy>(policy: P, position: u64): void {
  if (nextTick == 0) nextTick = policy.interval();
  while (position >= nextTick) {
    policy.onInterval();
    nextTick += policy.interval();
  }
}

/**
 * `onHit` for the references `position` to `position + references - 1`, with the intervals that end among
 * them.
 */
export function hitWithTicks<P extends ReplacementPolicy>(
  policy: P,
  pfn: u32,
  references: u32,
  position: u64,
): void {
  tickUntil<P>(policy, position);
  const end = position + references;
  while (end > nextTick) {
    policy.onHit(pfn, <u32>(nextTick - position));
    position = nextTick;
    tickUntil<P>(policy, position);
  }
  policy.onHit(pfn, <u32>(end - position));
}
