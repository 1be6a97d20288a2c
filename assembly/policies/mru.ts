/**
 * Most recently used: the page of the last reference goes first. Bad for nearly every program, and the best
 * that can be done without knowing more for one that reads the same pages over and over in the same order.
 *
 * A fault comes when memory is full only after a reference to some other page, which then is the most
 * recently used: all that there is to remember is the frame of the last reference. Only where victims are
 * taken ahead of need, several at a time, or go by themselves, are the frames in a list.
 */

import { isSparse } from "../core/frames";
import { ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { Links } from "../lib/list";

/** The list's sentinel, and the node of frame 0. */
const LIST: u32 = 0;
const FIRST: u32 = 1;

@unmanaged
@final
class Mru extends ReplacementPolicy {
  private newest: u32;

  about(): string {
    return `{
      "name": "mru",
      "summary": "Most recently used: evicts the page of the last reference, which suits loops larger than memory",
      "paper": "H.-T. Chou, D. J. DeWitt, An evaluation of buffer management strategies for relational database systems, VLDB 1985",
      "parameters": []
    }`;
  }

  /** The list stands behind the fields. */
  private get list(): Links {
    return changetype<Links>(changetype<usize>(this) + offsetof<Mru>());
  }

  init(frames: u32, pages: u32): void {
    if (isSparse()) this.list.init(frames + FIRST);
  }

  onHit(pfn: u32, references: u32): void {
    this.newest = pfn;
    if (isSparse()) this.list.moveAfter(LIST, pfn + FIRST);
  }

  victim(page: u32): u32 {
    if (!isSparse()) return this.newest;
    const pfn = this.list.next(LIST) - FIRST;
    this.onRemove(pfn);
    return pfn;
  }

  @inline
  onFill(pfn: u32, page: u32): void {
    this.newest = pfn;
    if (isSparse()) this.list.insertAfter(LIST, pfn + FIRST);
  }

  onRemove(pfn: u32): void {
    this.list.remove(pfn + FIRST);
  }
}

register<Mru>();
