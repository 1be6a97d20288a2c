/**
 * The page of zeroes that all reads of untouched anonymous memory share; it is nobody's, and never leaves.
 */

import { hugeZeroFrame } from "../huge/huge_zero";
import { GFP_KERNEL } from "../physical/gfp";
import { allocPages } from "../physical/page_alloc";

let zero: u32 = 0;

/** Takes a frame for it when the machine starts. */
export function initZeroPage(): void {
  zero = allocPages(0, GFP_KERNEL);
}

export function zeroFrame(): u32 {
  return zero;
}

/** Whether the frame is this one or the huge one. */
export function isZeroFrame(pfn: u32): bool {
  return pfn == zero || pfn == hugeZeroFrame();
}
