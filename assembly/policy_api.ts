/**
 * What a policy of a user's own may use: `import { ... } from "clockhand/policy"`. docs/policies.md explains
 * how such a policy is written; built-in policies import the same things from where they are.
 *
 *  - `ReplacementPolicy` is the contract, `register<P>()` makes a policy known, `parameter(i)` is the value
 *    of its parameter number i, `NEVER` the next use of a page that is not referenced again.
 *  - `pageIn(pfn)` is the page in a frame, `isDirty(pfn)` says whether it was written since it came in.
 *  - Where pages also go by themselves: `isHeld(pfn)` says whether there is a page in a frame,
 *    `HeldFrames.around(pfn)` is the next frame with one, `capacity()` how many pages memory holds,
 *    `NO_PAGE_WAITING` what `victim` is given; `isSparse()` says, in `init` too, that it is so.
 *  - `reserveArray<T>(length)`, called in `init` only, gives the address of a zeroed array of numbers, to be
 *    read and written with `load` and `store` once the run has started.
 *  - `Links` are doubly linked lists, `Heap` a max-heap of frames by u64 key, `Bitset` a set of frames,
 *    `GhostList` a queue of evicted pages.
 *  - `rngAt(at, stream)` places a random generator, which starts from --seed, at 16 bytes of memory.
 */

export { capacity, HeldFrames, isDirty, isHeld, isSparse, pageIn } from "./core/frames";
export { GhostList } from "./core/ghosts";
export { NEVER, NO_PAGE_WAITING, parameter, ReplacementPolicy } from "./core/policy";
export { register } from "./core/registry";
export { reserveArray } from "./layout";
export { Bitset } from "./lib/bitset";
export { Heap } from "./lib/heap";
export { Links } from "./lib/list";
export { Rng, rngAt } from "./lib/rng";
