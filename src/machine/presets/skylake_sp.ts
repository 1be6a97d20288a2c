/**
 * Intel Xeon Scalable, 1st and 2nd generation (Skylake-SP, Cascade Lake).
 *
 * Geometry: Intel's optimization manual, table 2-15, and CPUID leaf 2 descriptors 63h and C3h (which says 6
 * ways for the L2 where the manual says 12; A. Tatar et al., "TLB;DR: Enhancing TLB-based Attacks with TLB
 * Desynchronized Reverse Engineering", USENIX Security 2022, measured 12). Replacement: the same paper
 * measured tree-PLRU in the L1s and a variant of MRU and PLRU in the L2; here bit-PLRU and LRU stand in. The
 * 2 MiB ITLB is 8 entries a hardware thread. Intel publishes no sizes of paging-structure caches: these are
 * ChampSim's. Left out: the hashed set index of the L2.
 */

import type { MachineFile } from "../machine.ts";

export const skylakeSp: MachineFile = {
  name: "skylake-sp",
  summary: "Intel Xeon Scalable, 1st and 2nd generation (Skylake-SP, Cascade Lake)",
  source:
    "Intel 64 and IA-32 Architectures Optimization Reference Manual 248966-045 (2022), table 2-15; CPUID leaf 2; replacement: TLB;DR, USENIX Security 2022",
  paging: "4-level",
  tlb: {
    "4KiB": "L1I=128/8/plru,L1D=64/4/plru,L2=1536/12/lru",
    "2MiB": "L1I=8/8/lru,L1D=32/4/plru,L2=1536/12/lru",
    "1GiB": "L1I=8/8/lru,L1D=4/4/lru,L2=16/4/lru",
  },
  walk_caches: { pml4e: 4, pdpte: 8, pde: 32 },
};
