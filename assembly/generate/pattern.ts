/**
 * The contract of a pattern: a stream of page numbers without end, made anew from parameters and a seed.
 *
 * `init` reserves what the pattern needs, then `fill` is called again and again for the next numbers. The
 * stream may not depend on how it is asked for: 1,000 numbers are 10 times 100. It must be the same on every
 * platform, which Wasm's arithmetic and AssemblyScript's own `Math`, compiled into the engine, are.
 *
 * A stream of references is mixed of several patterns (stream.ts), and one pattern may be there more than
 * once: its state is its object, in the registry's memory, never a global. As with policies, a pattern is
 * never called through this base type.
 */

import { Rng } from "../lib/rng";

@unmanaged
export abstract class Pattern {
  /** The pattern's own generator, seeded. */
  rng: Rng;
  /** The table that the pattern is given, f64[], for those that have one; filled when the run starts. */
  table: usize;
  tableLength: u32;

  /**
   * What `clockhand list patterns` shows, as JSON: `name`, `summary`, `source` and `parameters`, which are
   * declared as those of policies are (core/policy.ts). One is called `pages`, the bound of the numbers,
   * unless the pattern is fitted to a trace.
   */
  abstract about(): string;

  /** Takes the parameters, by `parameter(index)`, and reserves memory. */
  abstract init(): void;

  /** Writes the next `count` page numbers to `into` (u32[]). */
  abstract fill(into: usize, count: u32): void;
}

/** Room for parts of patterns that are objects of their own. */
const PARTS_BYTES: usize = 8192;
const PARTS: usize = memory.data(8192, 16);
let partsUsed: usize = 0;

/** Zeroed memory that is there at once, unlike what is reserved. */
export function partOf(bytes: usize): usize {
  const at = PARTS + partsUsed;
  partsUsed += (bytes + 15) & ~15;
  assert(partsUsed <= PARTS_BYTES);
  return at;
}
