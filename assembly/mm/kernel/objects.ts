/** Objects that the kernel keeps for processes and files, each from the slab cache of its kind. */

import { GFP_KERNEL } from "../physical/gfp";
import { allocKernelObject, freeKernelObject } from "./kernel_caches";

/** The address of a new object of a cache of kernel_caches.ts; 0 when there is no memory. */
export function takeObject(cache: u32): u64 {
  return allocKernelObject(cache, 0, GFP_KERNEL);
}

export function giveObject(cache: u32, object: u64): void {
  freeKernelObject(cache, object, 0);
}
