/*
 * Watermarks and reserves as Documentation/admin-guide/sysctl/vm.rst and mm/page_alloc.c of Linux 6.15
 * describe them, in plain arithmetic over zones in the order DMA, DMA32, Normal, HighMem, Movable.
 */

export interface ZoneMarks {
  min: number;
  low: number;
  high: number;
  promo: number;
  /** By the highest zone that a request may use. */
  protection: number[];
}

const NORMAL = 2;

/** Four times the square root of the kernel's own memory in KiB, from 128 KiB to 256 MiB. */
export function defaultMinFreeKib(managed: readonly number[]): number {
  const lowmemKib = 4 * sum(managed.slice(0, NORMAL + 1));
  return Math.min(Math.max(Math.floor(Math.sqrt(lowmemKib * 16)), 128), 262144);
}

/**
 * What khugepaged asks for: in each zone two pageblocks and nine for the three types' fallbacks; 5% at
 * most.
 */
export function recommendedMinFreeKib(
  managed: readonly number[],
  current: number,
  scaleFactor: number,
): number {
  const low = managed.slice(0, NORMAL + 1);
  const zones = low.filter((pages) => pages > 0).length;
  const marks = watermarks(managed, current, scaleFactor, [0, 0, 0, 0, 0]);
  const usable = sum(low.map((pages, index) => Math.max(0, pages - marks[index]!.high)));
  const pages = Math.min(zones * 512 * 2 + zones * 512 * 3 * 3, Math.floor(usable / 20));
  return Math.max(current, pages * 4);
}

export function watermarks(
  managed: readonly number[],
  minFreeKib: number,
  scaleFactor: number,
  ratios: readonly number[],
): ZoneMarks[] {
  const minPages = Math.floor(minFreeKib / 4);
  const lowmem = sum(managed.slice(0, NORMAL + 1));
  return managed.map((pages, index) => {
    const share = lowmem === 0 ? 0 : Math.floor((minPages * pages) / lowmem);
    const gap = Math.max(Math.floor(share / 4), Math.floor((pages * scaleFactor) / 10000));
    const min = index <= NORMAL ? share : Math.min(Math.max(Math.floor(pages / 1024), 32), 128);
    const protection = managed.map((_, highest) => {
      const above = sum(managed.slice(index + 1, highest + 1));
      const ratio = ratios[index]!;
      return highest > index && ratio > 0 && pages > 0 ? Math.floor(above / ratio) : 0;
    });
    return { min, low: min + gap, high: min + 2 * gap, promo: min + 3 * gap, protection };
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
