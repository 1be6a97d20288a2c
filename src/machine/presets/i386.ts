/**
 * Intel 80386: 2 levels, one TLB for all.
 *
 * The first x86 with paging. Replacement is not stated in the data sheet: LRU is assumed (the i486 has
 * pseudo-LRU).
 */

import type { MachineFile } from "../machine.ts";

export const i386: MachineFile = {
  name: "i386",
  summary: "Intel 80386: 2 levels, one TLB for all",
  source: "Intel 80386 data sheet, section 4.5.4: 32 entries, 4-way set associative",
  paging: "i386",
  tlb: {
    "4KiB": "L1=32/4/lru",
  },
};
