/**
 * Paging modes: the index bits of each level from the root, the page sizes, and how addresses end.
 * Intel SDM vol. 3A, 4.3 (32-bit), 4.4 (PAE), 4.5 (4-level and 5-level); AArch64 with 4 KiB granules has the
 * 4-level shape too. A larger page ends the walk one or two levels above the leaf.
 */

import type { PageSize, PageTableShape } from "../types.ts";

export const PAGE_SHIFTS: Record<PageSize, number> = { "4KiB": 12, "2MiB": 21, "4MiB": 22, "1GiB": 30 };

export const PAGING_MODES = ["i386", "pae", "4-level", "5-level"] as const;
export type PagingMode = (typeof PAGING_MODES)[number];

interface Paging {
  levelBits: number[];
  /** Names of the levels' entries, as the manual and machine files call them, leaf left out. */
  tables: string[];
  /** Page size by the number of levels that it cuts off. */
  pageSizes: PageSize[];
  signExtended: boolean;
  /** PAE keeps the root's four entries in registers (4.4.1). */
  rootInRegisters: boolean;
}

const FOUR_LEVEL: Paging = {
  levelBits: [9, 9, 9, 9],
  tables: ["pml4e", "pdpte", "pde"],
  pageSizes: ["4KiB", "2MiB", "1GiB"],
  signExtended: true,
  rootInRegisters: false,
};

export const PAGING: Record<PagingMode, Paging> = {
  i386: {
    levelBits: [10, 10],
    tables: ["pde"],
    pageSizes: ["4KiB", "4MiB"],
    signExtended: false,
    rootInRegisters: false,
  },
  pae: {
    levelBits: [2, 9, 9],
    tables: ["pdpte", "pde"],
    pageSizes: ["4KiB", "2MiB"],
    signExtended: false,
    rootInRegisters: true,
  },
  "4-level": FOUR_LEVEL,
  "5-level": {
    ...FOUR_LEVEL,
    levelBits: [9, ...FOUR_LEVEL.levelBits],
    tables: ["pml5e", ...FOUR_LEVEL.tables],
  },
};

/** The page table for pages of one size; `pageSize` must be one of the mode's. */
export function pageTableOf(mode: PagingMode, pageSize: PageSize): PageTableShape {
  const { levelBits, pageSizes, signExtended } = PAGING[mode];
  return {
    levelBits: levelBits.slice(0, levelBits.length - pageSizes.indexOf(pageSize)),
    signExtended,
  };
}
