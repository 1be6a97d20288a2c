/**
 * Folds references into page runs as they come. The last run stays open: it is in the run buffer already, and
 * grows as long as references of its kind to its page follow. What is known of it fits in a register:
 *
 *     open  u64   63        32 31       16 15            2 1    0
 *                ┌────────────┬───────────┬───────────────┬──────┐
 *                │ its number │     0     │ references -1 │ kind │   the lower half is its attr
 *                └────────────┴───────────┴───────────────┴──────┘
 */

import { attrsAt, REFERENCES_SHIFT, RUN_REFERENCES_MAX, runCapacity, tagsAt } from "../core/runs";

const MORE_MAX: u32 = RUN_REFERENCES_MAX - 1;
const NUMBER_SHIFT: u64 = 32;
/** The run before the first: number -1, and full, so that no reference continues it. */
const NONE: u64 = ((<u64>u32.MAX_VALUE) << NUMBER_SHIFT) | (MORE_MAX << REFERENCES_SHIFT);

@unmanaged
@final
class OpenRun {
  open: u64;
  tag: u64;
}

/** The open run between two loops that fold. */
export const openRun: OpenRun = changetype<OpenRun>(memory.data(offsetof<OpenRun>(), 16));

/** Begins a new block of runs at the start of the run buffer. */
export function startRuns(): void {
  openRun.open = NONE;
}

/** Runs of this block so far. */
export function runsMade(): u32 {
  return <u32>(openRun.open >> NUMBER_SHIFT) + 1;
}

/** How many more the run buffer has room for. */
export function runsLeft(): u32 {
  return runCapacity() - runsMade();
}

/** Adds one reference. */
export function addReference(tag: u64, kind: u32): void {
  openRun.open = Folding.add(openRun.open, tag == openRun.tag, tag, kind, tagsAt(), attrsAt());
  openRun.tag = tag;
}

/** Adds `count` references to one page, as many runs as they need. */
export function addReferences(tag: u64, kind: u32, count: u64): void {
  for (let left = count; left != 0; ) {
    addReference(tag, kind);
    left--;
    const attr = <u32>openRun.open;
    const added = <u32>min<u64>(left, MORE_MAX - (attr >> REFERENCES_SHIFT));
    openRun.open += <u64>(added << REFERENCES_SHIFT);
    const at = attrsAt() + ((<usize>(openRun.open >> NUMBER_SHIFT)) << 1);
    store<u16>(at, <u16>(attr + (added << REFERENCES_SHIFT)));
    left -= added;
  }
}

/** A class for the sake of `@inline`. */
export class Folding {
  /**
   * The open run after a reference, given that before it and whether its tag is the same. Without a branch,
   * for nothing about the next reference can be foretold.
   */
  @inline
  static add(open: u64, isSameTag: bool, tag: u64, kind: u32, tags: usize, attrs: usize): u64 {
    // Where the kinds differ, one of the two highest bits is set.
    const more = rotr<u32>(<u32>open ^ kind, REFERENCES_SHIFT);
    const same = <u32>isSameTag & <u32>(more < MORE_MAX);
    const attr = (((more + 1) & (0 - same)) << REFERENCES_SHIFT) | kind;
    const number = <u32>(open >> NUMBER_SHIFT) + 1 - same;
    store<u64>(tags + ((<usize>number) << 3), tag);
    store<u16>(attrs + ((<usize>number) << 1), <u16>attr);
    return ((<u64>number) << NUMBER_SHIFT) | attr;
  }
}
