/**
 * The contract between the replay loops and a replacement policy.
 *
 * Call order, for every page run:
 *  - the page is resident: `onHit(pfn, references)`;
 *  - it is not, and a frame is free: `onFill(pfn, page)` with that frame;
 *  - it is not, and no frame is free: `pfn = victim(page)`, the page there is evicted, `onFill(pfn, page)`.
 * `onFill` stands for the run's first reference; when the run has more, `onHit(pfn, references - 1)` follows.
 * A run of n references must leave the policy exactly as n runs of one reference would.
 *
 * Frames 0, 1, 2, ... are filled in that order before `victim` is called for the first time.
 * A `page` is a dense id, given by first touch; what a policy keeps for pages that are not resident
 * (ghost lists, histories) is indexed by it, or is in its note (frames.ts, ghosts.ts).
 *
 * A policy may also have these, and the loops find out at compile time whether it does:
 *  - `onEvict(pfn: u32, page: u32): void`: after every `victim`, when `page` has just left that frame and can
 *    have a note; `onFill` of the page that faulted comes next;
 *  - `interval(): u32` and `onInterval(): void`: the latter is called before reference number n, counted
 *    from 0, whenever n > 0 is a multiple of the former (see interval.ts);
 *  - `onWrite(pfn: u32): void`: after the calls for a run that writes to its page;
 *  - `onFuture(nextUse: u64): void`: before the calls for a run, the number of the next run on the same page,
 *    or `NEVER`; for policies that must know the future.
 *
 * A memory manager (see managed.ts) loses pages without the policy's doing, and asks for victims ahead of
 * need, with no page waiting. For that a policy has
 *  - `onRemove(pfn: u32): void`: the page in `pfn`, still bound to it, is gone without having been chosen
 *    (unmapped, its process ended). It must be forgotten, as if it had never been: its frame is free. A
 *    policy without this method cannot be used there;
 *  - `onReturn(page: u32): void`: `page` is about to be brought in, into a free frame and with no `victim`
 *    for it: what `victim(page)` does for the page that waits (is it a ghost?). `onFill` comes next;
 *  - `onForget(page: u32): void`: `page`, which is not resident, is gone for good: nothing may be kept of it,
 *    for its number may be given to another.
 * There `victim` is called with `NO_PAGE_WAITING`, when at least one page is resident; `onEvict` follows,
 * but no `onFill`, and `onFill` comes for any free frame at any time. `frames` are all of the machine's, of
 * which the policy holds some: HeldFrames and `isSparse` (frames.ts) say which, and `capacity` what shares
 * are of.
 *
 * The loops are generic over the policy and compiled once for each, so that every method here is inlined.
 * Never call a policy through this base type, and give the base no method with a body that a policy
 * overrides: with unmanaged classes AssemblyScript silently runs the wrong one.
 */

/** A policy's own fields live here: one policy runs in an instance at a time. */
const STATE_BYTES: usize = 512;
const STATE: usize = memory.data(<i32>STATE_BYTES, 16);

const PARAMETERS_MAX: u32 = 16;
const PARAMETERS: usize = memory.data(PARAMETERS_MAX << 3, 16);

@unmanaged
export abstract class ReplacementPolicy {
  /**
   * What `clockhand list policies` shows, as JSON: `name`, `summary`, `paper` and `parameters`, an array of
   * `{ name, type: "integer" | "share" | "choice", default, min?, max?, choices?, summary }`. A share has a
   * default like "5%" or one of its choices, if it has any, and limits in percent.
   */
  abstract about(): string;

  /**
   * Reserves the policy's arrays for `frames` frames and `pages` pages; they are zero when the run starts.
   */
  abstract init(frames: u32, pages: u32): void;

  /** The resident page in `pfn` is referenced `references` times in a row. */
  abstract onHit(pfn: u32, references: u32): void;

  /** No frame is free: the frame whose page shall make room for `page`. */
  abstract victim(page: u32): u32;

  /** `page` has been brought into `pfn` and is referenced once. */
  abstract onFill(pfn: u32, page: u32): void;
}

/** The next use of a page that is not referenced again. */
export const NEVER: u64 = 1 << 62;

/** What `victim` is given when memory is reclaimed ahead of need: a page that is never touched. */
export const NO_PAGE_WAITING: u32 = 0;

/** The instance's policy, seen as `P`. */
export function policyState<P extends ReplacementPolicy>(): P {
  if (offsetof<P>() > STATE_BYTES) ERROR("a policy's fields may take 512 bytes at most");
  return changetype<P>(STATE);
}

/** The value of the policy's parameter number `index`, in the order in which `about` declares them. */
export function parameter(index: u32): f64 {
  return load<f64>(PARAMETERS + (index << 3));
}

/**
 * Sets a parameter before `init`: an integer as it is, a share as a fraction, a choice as its number; a
 * choice that stands for a share as -1, -2, ...
 */
export function setParameter(index: u32, value: f64): void {
  assert(index < PARAMETERS_MAX);
  store<f64>(PARAMETERS + (index << 3), value);
}
