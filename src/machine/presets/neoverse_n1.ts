/**
 * Arm Neoverse N1 (Cortex-A76 MMU), 4 KiB granule.
 *
 * AArch64 with a 4 KiB granule has the shape of 4-level paging; pml4e, pdpte and pde are its level 0, 1 and
 * 2. The core keeps results of partial walks in the L2 TLB itself, for which 64 level-2 entries stand in. 1
 * GiB blocks are taken to enter the L1s like others. Replacement is not published: LRU is assumed.
 */

import type { MachineFile } from "../machine.ts";

export const neoverseN1: MachineFile = {
  name: "neoverse-n1",
  summary: "Arm Neoverse N1 (Cortex-A76 MMU), 4 KiB granule",
  source: "Arm Cortex-A76 Core Technical Reference Manual, section A5.2, table A5-3",
  paging: "4-level",
  tlb: {
    "4KiB": "L1I=48/48/lru,L1D=48/48/lru,L2=1280/5/lru",
    "2MiB": "L1I=48/48/lru,L1D=48/48/lru,L2=1280/5/lru",
    "1GiB": "L1I=48/48/lru,L1D=48/48/lru,L2=1280/5/lru",
  },
  walk_caches: { pde: 64 },
};
