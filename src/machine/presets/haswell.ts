/**
 * Intel Haswell.
 *
 * The Intel core whose TLB replacement is best known: PLRU everywhere (A. Tatar et al., "TLB;DR", USENIX
 * Security 2022), for which bit-PLRU stands in. Sizes of paging-structure caches are an assumption.
 */

import type { MachineFile } from "../machine.ts";

export const haswell: MachineFile = {
  name: "haswell",
  summary: "Intel Haswell",
  source: "CPUID leaf 2 (C1h); replacement: TLB;DR, USENIX Security 2022",
  paging: "4-level",
  tlb: {
    "4KiB": "L1I=128/8/plru,L1D=64/4/plru,L2=1024/8/plru",
    "2MiB": "L1I=8/8/lru,L1D=32/4/plru,L2=1024/8/plru",
    "1GiB": "L1I=8/8/lru,L1D=4/4/lru",
  },
  walk_caches: { pml4e: 2, pdpte: 4, pde: 32 },
};
