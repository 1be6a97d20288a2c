/** Pages of locked areas: which stay locked when one of their mappings goes (mm/mlock.c: mlock_count). */

import { VPN_MASK } from "../../core/runs";
import { unlockPage } from "../reclaim/lru";
import { processOf } from "./process";
import { mapCount, mappingOf } from "./rmap";
import { findVma, VM_LOCKED } from "./vma";

/** The mapping is not locked any more: the page can leave again, unless another area locks it too. */
export function unlockMapping(pfn: u32, tag: u64): void {
  for (let index: u32 = 0; index < mapCount(pfn); index++) {
    const other = mappingOf(pfn, index);
    if (other == tag) continue;
    const vma = findVma(processOf(other), other & VPN_MASK);
    if (vma != null && vma.flags & VM_LOCKED) return;
  }
  unlockPage(pfn);
}
