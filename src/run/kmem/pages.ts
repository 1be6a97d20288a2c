/** Blocks of pages over a recording, by order and migrate type. */

import type { KmemEvent } from "../../trace/kmem/index.ts";
import type { KmemPages } from "../../types.ts";

/** enum migratetype of include/linux/mmzone.h, with CMA. */
const MIGRATE_TYPES = ["unmovable", "movable", "reclaimable", "highatomic", "cma", "isolate"];

type Row = KmemPages["orders"][number];
type Fallback = KmemPages["fallbacks"][number];

export class KmemBlocks {
  readonly #live = new Map<number, Row>();
  readonly #rows = new Map<number, Row>();
  readonly #fallbacks = new Map<string, Fallback>();
  readonly #counts = { allocations: 0, frees: 0, failed: 0, unknown_frees: 0, peak_pages: 0, live_pages: 0 };

  alloc({ pfn, order, migratetype }: KmemEvent & { kind: "page_alloc" }): void {
    const counts = this.#counts;
    if (pfn === undefined) {
      counts.failed++;
      return;
    }
    if (this.#live.has(pfn)) this.#drop(pfn);
    const row = this.#row(order, migratetype);
    row.allocations++;
    row.live++;
    this.#live.set(pfn, row);
    counts.allocations++;
    counts.live_pages += 2 ** order;
    counts.peak_pages = Math.max(counts.peak_pages, counts.live_pages);
  }

  /** Of a list of pages each is told a second time, when it is known no more. */
  free({ pfn, batched }: KmemEvent & { kind: "page_free" }): void {
    if (this.#live.has(pfn)) {
      this.#counts.frees++;
      this.#drop(pfn);
    } else if (!batched) this.#counts.unknown_frees++;
  }

  fallback({ order, from, to, fragmenting }: KmemEvent & { kind: "fallback" }): void {
    const key = `${order} ${from} ${to}`;
    const row = this.#fallbacks.get(key) ?? {
      order,
      from: nameOf(from),
      to: nameOf(to),
      count: 0,
      fragmenting: 0,
    };
    row.count++;
    if (fragmenting) row.fragmenting++;
    this.#fallbacks.set(key, row);
  }

  summary(): KmemPages {
    const orders = [...this.#rows.entries()].sort(([a], [b]) => a - b).map(([, row]) => row);
    return { ...this.#counts, orders, fallbacks: [...this.#fallbacks.values()] };
  }

  #drop(pfn: number): void {
    const row = this.#live.get(pfn) as Row;
    this.#live.delete(pfn);
    row.frees++;
    row.live--;
    this.#counts.live_pages -= 2 ** row.order;
  }

  #row(order: number, migratetype: number): Row {
    const key = order * 256 + migratetype;
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = { order, migratetype: nameOf(migratetype), allocations: 0, frees: 0, live: 0 };
      this.#rows.set(key, row);
    }
    return row;
  }
}

// --- internal ---

function nameOf(migratetype: number): string {
  return MIGRATE_TYPES[migratetype] ?? `type ${migratetype}`;
}
