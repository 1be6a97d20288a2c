/** Transparent huge pages. */

import { Process } from "../virtual/process";
import { Vma } from "../virtual/vma";
export function largeFault(process: Process, vma: Vma, vpn: u64, isWrite: bool): u32 {
  return u32.MAX_VALUE;
}
export function splitLarge(pfn: u32): void {}
export function zapLarge(process: Process, vpn: u64, at: usize): void {}
