/**
 * A FIFO queue of pages that have left memory and of which a policy remembers just that. A page leaves it
 * from the middle when it comes back, so the ring that holds the queue has holes, and more room than the
 * queue is long; when that is used up the pages move together.
 *
 *     ring u32[slots]      first ──> page + 1, 0 (a hole), page + 1, ... ──> newest, `used` slots
 *     slotOf u32[pages]    the page's slot + 1, or 0 when it is not in the queue
 *
 * A list of pages instead replayed a trace with many faults a tenth slower.
 */

import { reserveArray } from "../layout";

@unmanaged
@final
export class Ghosts {
  private ring: usize;
  private slotOf: usize;
  private capacity: u32;
  private slots: u32;
  private first: u32;
  private used: u32;
  private count: u32;

  /** Reserves a queue of at most `capacity` pages, rounded down, out of `pages`. */
  init(capacity: f64, pages: u32): void {
    this.capacity = <u32>min(capacity, <f64>pages);
    this.slots = this.capacity + (this.capacity >> 1) + 1;
    this.ring = reserveArray<u32>(this.slots);
    this.slotOf = reserveArray<u32>(pages);
  }

  /** Adds a page that is not in the queue; when it is full the oldest leaves. */
  add(page: u32): void {
    if (this.capacity == 0) return;
    if (this.count == this.capacity) this.removeOldest();
    if (this.used == this.slots) this.closeHoles();
    const end = this.first + this.used;
    this.put(page + 1, end < this.slots ? end : end - this.slots);
    this.used++;
    this.count++;
  }

  /** Removes a page; whether it was in the queue. */
  remove(page: u32): bool {
    const at = this.slotOf + ((<usize>page) << 2);
    const slot = load<u32>(at);
    if (slot == 0) return false;
    store<u32>(at, 0);
    store<u32>(this.ring + ((<usize>(slot - 1)) << 2), 0);
    this.count--;
    return true;
  }

  private removeOldest(): void {
    let entry = this.takeFirst();
    while (entry == 0) entry = this.takeFirst();
    store<u32>(this.slotOf + ((<usize>(entry - 1)) << 2), 0);
    this.count--;
  }

  private closeHoles(): void {
    const end = this.first;
    let to = end;
    for (let left = this.used; left != 0; left--) {
      const entry = this.takeFirst();
      if (entry == 0) continue;
      this.put(entry, to);
      to = to + 1 == this.slots ? 0 : to + 1;
    }
    this.first = end;
    this.used = this.count;
  }

  /** Takes the first slot off the ring and returns what was in it. */
  private takeFirst(): u32 {
    const first = this.first;
    const at = this.ring + ((<usize>first) << 2);
    const entry = load<u32>(at);
    store<u32>(at, 0);
    this.first = first + 1 == this.slots ? 0 : first + 1;
    this.used--;
    return entry;
  }

  private put(entry: u32, slot: u32): void {
    store<u32>(this.ring + ((<usize>slot) << 2), entry);
    store<u32>(this.slotOf + ((<usize>(entry - 1)) << 2), slot + 1);
  }
}
