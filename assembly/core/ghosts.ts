/**
 * A ghost list: pages that were evicted, remembered in the order in which they came. It loses pages at its
 * old end and from within, so it is a ring of slots in which a page that leaves early makes a hole:
 *
 *     slots u32[]    . . . [ page | hole | page | ... | page ] . . .       page + 1, or 0
 *                           ^ oldest                         ^ next
 *
 * The ring has twice as many slots as the list may have pages, and when holes have filled it they are
 * squeezed out. What is known by page, its slot, is the page's note (see frames.ts), so that a fault learns
 * whether its page is a ghost without looking anywhere else: with an array by page ARC ran half as fast, for
 * the caches did not hold it. Only pages that are not resident have notes: a policy asks for the page that
 * faults in `victim` and `onReturn`, and enters the page that goes in `onEvict`. All lists' slots together,
 * which are u32 in 4 GiB, are few enough for notes.
 */

import { reserveArray } from "../layout";
import { noteOf, setNote } from "./frames";

@unmanaged
@final
export class GhostList {
  private slots: usize;
  private lengthMax: u32;
  private slotCount: u32;
  private oldest: u32;
  private next: u32;
  /** Slots from the oldest page to the newest. */
  private span: u32;
  /** The note of a page in the first slot. */
  private firstNote: u32;
  /** Pages in the list. */
  length: u32;

  /**
   * Reserves the list for at most `lengthMax` of `pages` pages at a time, rounded down; it may be 0. A
   * policy's lists are numbered from 0 and have the same length.
   */
  init(lengthMax: f64, pages: u32, number: u32): void {
    this.lengthMax = <u32>min<f64>(lengthMax, <f64>pages);
    this.slotCount = this.lengthMax << 1;
    this.slots = reserveArray<u32>(this.slotCount);
    this.firstNote = 1 + number * this.slotCount;
  }

  /** Changes how many pages the list may have, up to as many as it was reserved for; the oldest leave. */
  limit(lengthMax: f64): void {
    this.lengthMax = <u32>min<f64>(lengthMax, <f64>(this.slotCount >> 1));
    while (this.length > this.lengthMax) this.forgetOldest();
  }

  /** Enters a page that has just been evicted; when the list is full the oldest leaves. */
  @inline
  add(page: u32): void {
    if (this.length == this.lengthMax) {
      if (this.lengthMax == 0) return;
      this.forgetOldest();
    }
    if (this.span == this.slotCount) this.squeeze();
    const slot = this.next;
    store<u32>(this.slots + ((<usize>slot) << 2), page + 1);
    setNote(page, this.firstNote + slot);
    this.next = this.after(slot);
    this.span++;
    this.length++;
  }

  /** Takes the page that is about to come in out of the list; whether it was there. */
  @inline
  remove(page: u32): bool {
    const slot = noteOf(page) - this.firstNote;
    if (slot >= this.slotCount) return false;
    setNote(page, 0);
    store<u32>(this.slots + ((<usize>slot) << 2), 0);
    this.length--;
    return true;
  }

  /** Forgets the page that has been in the list, which has some, the longest. */
  @inline
  forgetOldest(): void {
    const slots = this.slots;
    let slot = this.oldest;
    let passed: u32 = 1;
    while (load<u32>(slots + ((<usize>slot) << 2)) == 0) {
      slot = this.after(slot);
      passed++;
    }
    setNote(load<u32>(slots + ((<usize>slot) << 2)) - 1, 0);
    store<u32>(slots + ((<usize>slot) << 2), 0);
    this.oldest = this.after(slot);
    this.span -= passed;
    this.length--;
  }

  @inline
  private after(slot: u32): u32 {
    return slot + 1 == this.slotCount ? 0 : slot + 1;
  }

  /** Moves the pages together at the old end. */
  private squeeze(): void {
    const slots = this.slots;
    let to = this.oldest;
    let from = to;
    for (let left = this.span; left > 0; left--) {
      const entry = load<u32>(slots + ((<usize>from) << 2));
      store<u32>(slots + ((<usize>from) << 2), 0);
      if (entry != 0) {
        store<u32>(slots + ((<usize>to) << 2), entry);
        setNote(entry - 1, this.firstNote + to);
        to = this.after(to);
      }
      from = this.after(from);
    }
    this.next = to;
    this.span = this.length;
  }
}
