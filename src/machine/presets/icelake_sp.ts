/**
 * Intel Xeon Scalable, 3rd generation (Ice Lake-SP), with 4-level paging.
 *
 * Geometry: CPUID leaf 18h of a Sunny Cove client core; the server core is taken to be the same. The L2 is
 * two halves of 8 ways by 128 sets, one for 4 KiB and 2 MiB pages and one for 4 KiB and 1 GiB pages, which 4
 * KiB pages see as one of 16 ways. Replacement is not published: LRU is assumed. Sizes of paging-structure
 * caches are ChampSim's.
 */

import type { MachineFile } from "../machine.ts";

export const icelakeSp: MachineFile = {
  name: "icelake-sp",
  summary: "Intel Xeon Scalable, 3rd generation (Ice Lake-SP), with 4-level paging",
  source: "CPUID leaf 18h of a Sunny Cove core; Intel Optimization Reference Manual 248966-045 (2022)",
  paging: "4-level",
  tlb: {
    "4KiB": "L1I=128/8/lru,L1D=64/4/lru,L2=2048/16/lru",
    "2MiB": "L1I=8/8/lru,L1D=32/4/lru,L2=1024/8/lru",
    "1GiB": "L1I=8/8/lru,L1D=8/8/lru,L2=1024/8/lru",
  },
  walk_caches: { pml4e: 4, pdpte: 8, pde: 32 },
};
