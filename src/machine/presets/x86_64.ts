/**
 * A generic 64-bit machine with TLB sizes of the years around 2020.
 *
 * A machine for examples, which is the default. Walk caches as in many simulators (Revelator,
 * arXiv:2508.02007, table 2, and ChampSim have the like).
 */

import type { MachineFile } from "../machine.ts";

export const x8664: MachineFile = {
  name: "x86-64",
  summary: "A generic 64-bit machine with TLB sizes of the years around 2020",
  source: "Not a processor: round numbers between Intel's and AMD's, for examples and teaching",
  paging: "4-level",
  tlb: {
    "4KiB": "L1I=64/8/lru,L1D=64/4/lru,L2=1536/12/lru",
    "2MiB": "L1I=8/8/lru,L1D=32/4/lru,L2=1536/12/lru",
    "1GiB": "L1I=8/8/lru,L1D=4/4/lru,L2=16/4/lru",
  },
  walk_caches: { pml4e: 2, pdpte: 4, pde: 32 },
};
