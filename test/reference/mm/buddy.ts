/*
 * The page allocator in plain arrays, after mm/page_alloc.c of Linux 6.15: a free list is an array of first
 * pages whose head is at 0, every lookup is a search. Zones in the order DMA, DMA32, Normal, HighMem,
 * Movable; migrate types unmovable 0, movable 1, reclaimable 2, highatomic 3.
 */

import { watermarks, type ZoneMarks } from "./watermarks.ts";

export interface ReferenceZone {
  index: number;
  start: number;
  spanned: number;
}

export interface ReferenceMemory {
  zones: readonly ReferenceZone[];
  managed: readonly { start: number; end: number }[];
  zoneMask: number;
}

export interface ReferenceTunables {
  minFreeKib: number;
  watermarkScaleFactor: number;
  watermarkBoostFactor: number;
  lowmemReserveRatio: readonly number[];
  mobility: boolean;
}

export const GFP = {
  dma: 1,
  highmem: 2,
  dma32: 4,
  movable: 8,
  reclaimable: 16,
  high: 32,
  directReclaim: 0x400,
  kswapd: 0x800,
  memalloc: 0x20000,
} as const;

const MAX_ORDER = 10;
const BLOCK_ORDER = 9;
const BLOCK = 512;
const MOVABLE = 1;
const HIGHATOMIC = 3;
const FALLBACKS = [
  [2, 1],
  [2, 0],
  [0, 1],
];

interface State {
  zone: ReferenceZone;
  /** By type and order. */
  lists: number[][][];
  managed: number;
  boost: number;
  highatomic: number;
  marks: ZoneMarks;
}

interface Attempt {
  mark: "min" | "low";
  noWatermarks: boolean;
  minReserve: boolean;
  nonBlock: boolean;
  highatomic: boolean;
  noFragment: boolean;
}

export class ReferenceBuddy {
  readonly zones: State[];
  /** Orders of allocated blocks by their first page. */
  readonly allocated = new Map<number, number>();
  /** Migrate types of pageblocks; movable until something changes it. */
  readonly types = new Map<number, number>();
  readonly #memory: ReferenceMemory;
  readonly #tunables: ReferenceTunables;
  /** Orders of free blocks by their first page. */
  readonly #free = new Map<number, number>();

  constructor(memory: ReferenceMemory, tunables: ReferenceTunables) {
    this.#memory = memory;
    this.#tunables = tunables;
    const none: ZoneMarks = { min: 0, low: 0, high: 0, promo: 0, protection: [] };
    this.zones = memory.zones.map((zone) => ({
      zone,
      lists: [0, 1, 2, 3].map(() => Array.from({ length: MAX_ORDER + 1 }, () => [])),
      managed: 0,
      boost: 0,
      highatomic: 0,
      marks: none,
    }));
    for (const { start, end } of memory.managed) {
      for (let pfn = start; pfn < end; ) {
        let order = MAX_ORDER;
        while (pfn % 2 ** order !== 0 || pfn + 2 ** order > end) order--;
        this.#insert(pfn, order, true);
        this.#zoneOf(pfn).managed += 2 ** order;
        pfn += 2 ** order;
      }
    }
    const managed = [0, 1, 2, 3, 4].map((index) => this.#state(index)?.managed ?? 0);
    const { minFreeKib, watermarkScaleFactor, lowmemReserveRatio } = tunables;
    const marks = watermarks(managed, minFreeKib, watermarkScaleFactor, lowmemReserveRatio);
    for (const state of this.zones) state.marks = marks[state.zone.index]!;
  }

  /** The first page, or undefined. */
  alloc(order: number, gfp: number): number | undefined {
    const has = (flag: number) => (gfp & flag) !== 0;
    const highest = this.#highest(gfp);
    const usable = this.zones
      .filter(({ zone, managed }) => zone.index <= highest && managed > 0)
      .sort((a, b) => b.zone.index - a.zone.index);
    const type = this.#tunables.mobility ? (has(GFP.movable) ? 1 : 0) + (has(GFP.reclaimable) ? 2 : 0) : 0;
    const fast: Attempt = {
      mark: "low",
      noWatermarks: false,
      minReserve: false,
      nonBlock: false,
      highatomic: false,
      noFragment: usable[0]?.zone.index === 2,
    };
    const nonBlock = !has(GFP.directReclaim);
    const slow: Attempt = {
      mark: "min",
      noWatermarks: has(GFP.memalloc),
      minReserve: has(GFP.high),
      nonBlock,
      highatomic: nonBlock && has(GFP.high) && order > 0,
      noFragment: false,
    };
    const attempts = [fast, ...(fast.noFragment ? [{ ...fast, noFragment: false }] : []), slow];
    for (const attempt of attempts) {
      for (const state of usable) {
        const pfn = this.#take(state, order, type, highest, attempt);
        if (pfn === undefined) continue;
        this.allocated.set(pfn, order);
        return pfn;
      }
    }
    return undefined;
  }

  free(pfn: number, order: number): void {
    this.allocated.delete(pfn);
    this.#insert(pfn, order, false);
  }

  /** Gives a pageblock kept for requests that may not wait to `type`; whether there was one. */
  unreserve(index: number, type: number, force: boolean): boolean {
    const state = this.#state(index)!;
    if (!force && state.highatomic <= BLOCK) return false;
    const order = state.lists[HIGHATOMIC]!.findIndex((list) => list.length > 0);
    if (order < 0) return false;
    const pfn = state.lists[HIGHATOMIC]![order]![0]!;
    state.highatomic = Math.max(0, state.highatomic - Math.max(BLOCK, 2 ** order));
    if (order < BLOCK_ORDER) {
      this.#moveBlock(state, pfn - (pfn % BLOCK), HIGHATOMIC, type);
    } else {
      this.#remove(state, HIGHATOMIC, order, pfn);
      this.#add(state, type, order, pfn, true);
      this.#setType(pfn, order, type);
    }
    return true;
  }

  freePages(state: State): number {
    return state.lists
      .flat()
      .reduce((sum, list, index) => sum + list.length * 2 ** (index % (MAX_ORDER + 1)), 0);
  }

  #state(index: number): State | undefined {
    return this.zones.find(({ zone }) => zone.index === index);
  }

  #zoneOf(pfn: number): State {
    return this.zones.find(({ zone }) => pfn >= zone.start && pfn < zone.start + zone.spanned)!;
  }

  #typeOf(pfn: number): number {
    return this.types.get(Math.floor(pfn / BLOCK)) ?? MOVABLE;
  }

  #setType(pfn: number, order: number, type: number): void {
    const blocks = Math.max(1, 2 ** (order - BLOCK_ORDER));
    for (let block = 0; block < blocks; block++) this.types.set(Math.floor(pfn / BLOCK) + block, type);
  }

  #highest(gfp: number): number {
    const has = (flag: number) => (gfp & flag) !== 0;
    const built = (zone: number) => ((this.#memory.zoneMask >> zone) & 1 ? zone : 2);
    if (has(GFP.movable) && has(GFP.highmem)) return 4;
    if (has(GFP.highmem)) return built(3);
    if (has(GFP.dma)) return built(0);
    return has(GFP.dma32) ? built(1) : 2;
  }

  #take(state: State, order: number, type: number, highest: number, attempt: Attempt): number | undefined {
    if (!attempt.noWatermarks && !this.#enough(state, order, highest, attempt)) return undefined;
    let pfn = attempt.highatomic ? this.#smallest(state, order, HIGHATOMIC) : undefined;
    pfn ??= this.#smallest(state, order, type);
    pfn ??= this.#claim(state, order, type, attempt.noFragment);
    if (!attempt.noFragment) pfn ??= this.#steal(state, order, type);
    if (attempt.nonBlock) pfn ??= this.#smallest(state, order, HIGHATOMIC);
    if (pfn !== undefined && attempt.highatomic) this.#reserve(state, pfn, order);
    return pfn;
  }

  #enough(state: State, order: number, highest: number, attempt: Attempt): boolean {
    const { marks, boost } = state;
    const plain = marks[attempt.mark];
    if (this.#above(state, order, plain + boost, highest, attempt)) return true;
    const retry = order === 0 && boost > 0 && attempt.minReserve && attempt.mark === "min";
    return retry && this.#above(state, 0, plain, highest, attempt);
  }

  #above(state: State, order: number, mark: number, highest: number, attempt: Attempt): boolean {
    let least = mark;
    let free = this.freePages(state) - (2 ** order - 1);
    if (attempt.minReserve) {
      least -= Math.floor(least / 2);
      if (attempt.nonBlock) least -= Math.floor(least / 4);
    }
    if (!attempt.minReserve && !attempt.nonBlock) {
      free -= state.lists[HIGHATOMIC]!.reduce((sum, list, of) => sum + list.length * 2 ** of, 0);
    }
    if (free <= least + (state.marks.protection[highest] ?? 0)) return false;
    if (order === 0) return true;
    const types = attempt.highatomic ? [0, 1, 2, 3] : [0, 1, 2];
    return types.some((type) => state.lists[type]!.some((list, of) => of >= order && list.length > 0));
  }

  #smallest(state: State, order: number, type: number): number | undefined {
    for (let from = order; from <= MAX_ORDER; from++) {
      const pfn = state.lists[type]![from]![0];
      if (pfn === undefined) continue;
      this.#remove(state, type, from, pfn);
      this.#expand(state, type, pfn, from, order);
      return pfn;
    }
    return undefined;
  }

  #remove(state: State, type: number, order: number, pfn: number): void {
    const list = state.lists[type]![order]!;
    list.splice(list.indexOf(pfn), 1);
    this.#free.delete(pfn);
  }

  #add(state: State, type: number, order: number, pfn: number, tail: boolean): void {
    const list = state.lists[type]![order]!;
    if (tail) list.push(pfn);
    else list.unshift(pfn);
    this.#free.set(pfn, order);
  }

  #expand(state: State, type: number, pfn: number, from: number, order: number): void {
    for (let half = from - 1; half >= order; half--) this.#add(state, type, half, pfn + 2 ** half, false);
  }

  #fallback(state: State, order: number, type: number): number | undefined {
    return FALLBACKS[type]!.find((other) => state.lists[other]![order]!.length > 0);
  }

  #claim(state: State, order: number, type: number, noFragment: boolean): number | undefined {
    const least = noFragment ? Math.max(order, BLOCK_ORDER) : order;
    for (let from = MAX_ORDER; from >= least; from--) {
      if (from < 4 && type === MOVABLE && this.#tunables.mobility) return undefined;
      const other = this.#fallback(state, from, type);
      if (other === undefined) continue;
      const pfn = this.#claimBlock(state, from, order, type, other);
      if (pfn !== undefined) return pfn;
    }
    return undefined;
  }

  #claimBlock(state: State, from: number, order: number, type: number, other: number): number | undefined {
    const pfn = state.lists[other]![from]![0]!;
    if (from >= BLOCK_ORDER) {
      this.#remove(state, other, from, pfn);
      this.#setType(pfn, from, type);
      this.#expand(state, type, pfn, from, order);
      return pfn;
    }
    const { marks, managed, zone } = state;
    const most = Math.floor((marks.high * this.#tunables.watermarkBoostFactor) / 10000);
    if (BLOCK * 4 <= managed && most > 0) state.boost = Math.min(state.boost + BLOCK, Math.max(BLOCK, most));
    const first = pfn - (pfn % BLOCK);
    if (first < zone.start || first + BLOCK > zone.start + zone.spanned) return undefined;
    const free = this.#freeIn(first).reduce((sum, block) => sum + 2 ** this.#free.get(block)!, 0);
    // Nobody owns pages here: none of them is known to be movable.
    const alike = type !== MOVABLE && other === MOVABLE ? BLOCK - free : 0;
    if (free + alike < BLOCK / 2 && this.#tunables.mobility) return undefined;
    this.#moveBlock(state, first, other, type);
    return this.#smallest(state, order, type);
  }

  #freeIn(first: number): number[] {
    return Array.from({ length: BLOCK }, (_, page) => first + page).filter((pfn) => this.#free.has(pfn));
  }

  #moveBlock(state: State, first: number, from: number, to: number): void {
    for (const pfn of this.#freeIn(first)) {
      const order = this.#free.get(pfn)!;
      this.#remove(state, from, order, pfn);
      this.#add(state, to, order, pfn, true);
    }
    this.#setType(first, BLOCK_ORDER, to);
  }

  #steal(state: State, order: number, type: number): number | undefined {
    for (let from = order; from <= MAX_ORDER; from++) {
      const other = this.#fallback(state, from, type);
      if (other === undefined) continue;
      const pfn = state.lists[other]![from]![0]!;
      this.#remove(state, other, from, pfn);
      this.#expand(state, other, pfn, from, order);
      return pfn;
    }
    return undefined;
  }

  #reserve(state: State, pfn: number, order: number): void {
    const share = Math.floor(state.managed / 100);
    if (share < BLOCK) return;
    if (state.highatomic >= Math.ceil(share / BLOCK) * BLOCK) return;
    const type = this.#typeOf(pfn);
    if (type === HIGHATOMIC) return;
    const { zone } = state;
    if (order >= BLOCK_ORDER) {
      this.#setType(pfn, order, HIGHATOMIC);
      state.highatomic += 2 ** order;
      return;
    }
    const first = pfn - (pfn % BLOCK);
    if (first < zone.start || first + BLOCK > zone.start + zone.spanned) return;
    this.#moveBlock(state, first, type, HIGHATOMIC);
    state.highatomic += BLOCK;
  }

  #insert(freed: number, freedOrder: number, last: boolean): void {
    const state = this.#zoneOf(freed);
    const type = this.#typeOf(freed);
    let pfn = freed;
    let order = freedOrder;
    while (order < MAX_ORDER) {
      const buddy = buddyOf(pfn, order);
      if (this.#free.get(buddy) !== order) break;
      let buddyType = type;
      if (order >= BLOCK_ORDER) {
        buddyType = this.#typeOf(buddy);
        if (buddyType !== type && (buddyType === HIGHATOMIC || type === HIGHATOMIC)) break;
      }
      this.#remove(state, buddyType, order, buddy);
      if (buddyType !== type) this.#setType(buddy, order, type);
      pfn = Math.min(pfn, buddy);
      order++;
    }
    const parent = Math.min(pfn, buddyOf(pfn, order));
    const mergesSoon = order < MAX_ORDER - 1 && this.#free.get(buddyOf(parent, order + 1)) === order + 1;
    this.#add(state, type, order, pfn, last || mergesSoon);
  }
}

function buddyOf(pfn: number, order: number): number {
  const size = 2 ** order;
  return pfn % (2 * size) === 0 ? pfn + size : pfn - size;
}
