/**
 * Intel Xeon Scalable, 4th generation (Sapphire Rapids), with 5-level paging (LA57).
 *
 * Geometry: CPUID leaf 18h, but for the L1D, where Intel's Architecture Day 2021 has 96 entries and leaf 18h
 * 64; six ways are an assumption. Replacement is not published: LRU is assumed. Sizes of paging-structure
 * caches are ChampSim's. 57-bit addresses: Linux Documentation/arch/x86/x86_64/5level-paging.rst.
 */

import type { MachineFile } from "../machine.ts";

export const sapphireRapids: MachineFile = {
  name: "sapphire-rapids",
  summary: "Intel Xeon Scalable, 4th generation (Sapphire Rapids), with 5-level paging (LA57)",
  source: "CPUID leaf 18h of a Xeon w9-3475X; Intel Architecture Day 2021 (96 load DTLB entries)",
  paging: "5-level",
  tlb: {
    "4KiB": "L1I=256/8/lru,L1D=96/6/lru,L2=2048/16/lru",
    "2MiB": "L1I=32/8/lru,L1D=32/4/lru,L2=1024/8/lru",
    "1GiB": "L1I=32/8/lru,L1D=8/8/lru,L2=1024/8/lru",
  },
  walk_caches: { pml5e: 2, pml4e: 4, pdpte: 8, pde: 32 },
};
