/**
 * Intel Pentium Pro (P6) with physical address extension: 3 levels, 2 MiB large pages.
 *
 * The root's four entries are registers, so a walk costs two references at most. The manual gives the
 * large-page TLBs for 4 MiB pages; PAE's 2 MiB pages are taken to share them. Replacement is not published:
 * LRU is assumed.
 */

import type { MachineFile } from "../machine.ts";

export const pae: MachineFile = {
  name: "pae",
  summary: "Intel Pentium Pro (P6) with physical address extension: 3 levels, 2 MiB large pages",
  source:
    "Intel Architecture Software Developer's Manual vol. 2, 243191, CPUID, table 3-9, descriptors 01h to 04h",
  paging: "pae",
  tlb: {
    "4KiB": "L1I=32/4/lru,L1D=64/4/lru",
    "2MiB": "L1I=2/2/lru,L1D=8/4/lru",
  },
};
