/**
 * AMD EPYC 9004 and Ryzen 7000 (Zen 4).
 *
 * Entries: AMD's guide and CPUID. Ways of the L2s are secondary (WikiChip): CPUID's code would give the L2D
 * 384 sets, not a power of two. Replacement is not published: LRU is assumed. AMD keeps upper levels in a
 * page directory cache of 64 entries, split 16 and 48 here, and PDEs in the L2 DTLB, for which 64 entries
 * stand in. Left out: coalescing of adjacent 4 KiB pages.
 */

import type { MachineFile } from "../machine.ts";

export const zen4: MachineFile = {
  name: "zen4",
  summary: "AMD EPYC 9004 and Ryzen 7000 (Zen 4)",
  source:
    "Software Optimization Guide for the AMD Zen4 Microarchitecture, publication 57647; CPUID 80000005h, 80000006h, 80000019h",
  paging: "4-level",
  tlb: {
    "4KiB": "L1I=64/64/lru,L1D=72/72/lru,L2I=512/8/lru,L2D=3072/24/lru",
    "2MiB": "L1I=64/64/lru,L1D=72/72/lru,L2I=512/8/lru,L2D=3072/24/lru",
    "1GiB": "L1I=64/64/lru,L1D=72/72/lru,L2D=64/64/lru",
  },
  walk_caches: { pml4e: 16, pdpte: 48, pde: 64 },
};
