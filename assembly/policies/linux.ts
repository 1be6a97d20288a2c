/**
 * Linux's active and inactive lists with refault detection: a clock in two lists, and a memory of evicted
 * pages.
 *
 *       fault ──> ┌──────────┐   accessed twice   ┌────────┐
 *                 │ inactive │ ─────────────────> │ active │ <── refault within the
 *     evicted <── └──────────┘ <───────────────── └────────┘     active list's length
 *                                low on inactive
 *
 * The rules are those of Linux 6.16 (mm/vmscan.c and mm/workingset.c) for pages that are mapped, each once:
 *  - a reference sets the accessed bit, the fault too; a page comes in at the head of the inactive list;
 *  - reclaim looks at the inactive list's tail. An accessed page loses the bit; if it has PG_referenced it is
 *    activated, otherwise it gets it and goes round once more. A page not accessed is evicted
 *    (shrink_inactive_list, folio_check_references);
 *  - for each inactive page looked at, the tail of the active list is deactivated, accessed or not, when the
 *    inactive list is low or a refault was activated since the last reclaim (prepare_scan_control,
 *    shrink_active_list). It loses its accessed bit, but keeps PG_referenced;
 *  - the inactive list is low when inactive * ratio < active; ratio is the square root of 10 times the GiB of
 *    memory, and 1 below one GiB (inactive_is_low);
 *  - the nonresident age counts evictions and activations. An evicted page leaves it in a shadow; when the
 *    page is faulted in again and the age has grown by no more than the active list is long, the page is
 *    activated at once (workingset_eviction, workingset_refault).
 *
 * Departures: the kernel frees 32 pages at a time (SWAP_CLUSTER_MAX) and scans up to 32 of each list in turn;
 * here one page leaves, and lists are scanned page by page. Dirty pages are written when they leave. Not
 * modelled: the balance of anonymous memory and files with PG_workingset, which serves nothing else here,
 * file descriptors (folio_mark_accessed), executable mappings, the rebalancing at the end of shrink_lruvec,
 * the reclaim of shadows and their coarser units (bucket_order). A GiB is 2^18 pages; the age has 32 bits and
 * wraps, as the kernel's does.
 */

import { accessedAt, pageIn } from "../core/frames";
import { parameter, ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { reserveArray } from "../layout";
import { Links } from "../lib/list";

/** Flags of a frame. */
const PG_REFERENCED: u32 = 1;
const PG_ACTIVE: u32 = 2;

/** The lists with their sentinels, and the node of frame 0. */
const INACTIVE: u32 = 0;
const ACTIVE: u32 = 1;
const FIRST: u32 = 2;

const GIB_SHIFT: u32 = 18;
const NO_FRAME: u32 = u32.MAX_VALUE;

@unmanaged
@final
class Linux extends ReplacementPolicy {
  private links0: u64;
  private accessed: usize;
  /** By frame, u8. */
  private flags: usize;
  /** By page, u32: the nonresident age when it left; 0 is none. */
  private shadows: usize;
  private nonresidentAge: u32;
  private inactiveCount: u32;
  private activeCount: u32;
  /** 0 is the kernel's own. */
  private ratio: u32;
  private refaultActivated: bool;

  about(): string {
    return `{
      "name": "linux",
      "summary": "Linux's active and inactive lists: second chance twice over, and refaults by their distance",
      "paper": "Linux 6.16, mm/vmscan.c and mm/workingset.c (J. Weiner), 2025",
      "parameters": [
        { "name": "ratio", "type": "integer", "default": 0, "min": 0, "max": 1000,
          "summary": "active pages for one inactive page; 0 is the kernel's own: the root of 10 times the GiB, at least 1" }
      ]
    }`;
  }

  private get lists(): Links {
    return changetype<Links>(changetype<usize>(this) + offsetof<Linux>("links0"));
  }

  init(frames: u32, pages: u32): void {
    this.ratio = <u32>parameter(0);
    this.accessed = accessedAt();
    this.flags = reserveArray<u8>(frames);
    this.shadows = reserveArray<u32>(pages);
    this.lists.init(frames + FIRST);
    this.ageNonresident();
  }

  @inline
  onHit(pfn: u32, references: u32): void {
    store<u8>(this.accessed + pfn, 1);
  }

  @inline
  victim(page: u32): u32 {
    let pfn = NO_FRAME;
    do {
      const mayDeactivate = this.refaultActivated || this.inactiveIsLow();
      pfn = this.shrinkInactive();
      if (mayDeactivate) this.shrinkActive();
    } while (pfn == NO_FRAME);
    this.refaultActivated = false;
    return pfn;
  }

  @inline
  onFill(pfn: u32, page: u32): void {
    if (this.lists.next(ACTIVE) == INACTIVE) this.lists.split(FIRST);
    store<u8>(this.accessed + pfn, 1);
    const shadow = load<u32>(this.shadows + ((<usize>page) << 2));
    const distance = this.nonresidentAge - shadow;
    if (shadow != 0 && distance <= this.activeCount) {
      store<u8>(this.flags + pfn, <u8>PG_ACTIVE);
      this.lists.insertAfter(ACTIVE, pfn + FIRST);
      this.activeCount++;
      this.ageNonresident();
      this.refaultActivated = true;
    } else {
      store<u8>(this.flags + pfn, 0);
      this.lists.insertAfter(INACTIVE, pfn + FIRST);
      this.inactiveCount++;
    }
  }

  onRemove(pfn: u32): void {
    if ((load<u8>(this.flags + pfn) & PG_ACTIVE) != 0) this.activeCount--;
    else this.inactiveCount--;
    this.lists.remove(pfn + FIRST);
    this.onForget(pageIn(pfn));
  }

  onForget(page: u32): void {
    store<u32>(this.shadows + ((<usize>page) << 2), 0);
  }

  /** The age is never 0, so that no shadow is. */
  private ageNonresident(): void {
    this.nonresidentAge = max(this.nonresidentAge + 1, 1);
  }

  private inactiveIsLow(): bool {
    const ratio = this.ratio != 0 ? this.ratio : kernelRatio(this.inactiveCount + this.activeCount);
    return <u64>this.inactiveCount * ratio < this.activeCount;
  }

  /** Looks at the tail of the inactive list, if there is one; its frame if the page leaves, or `NO_FRAME`. */
  private shrinkInactive(): u32 {
    const node = this.lists.previous(INACTIVE);
    if (node == INACTIVE) return NO_FRAME;
    const pfn = node - FIRST;
    if (load<u8>(this.accessed + pfn) == 0) {
      this.lists.remove(node);
      this.inactiveCount--;
      store<u32>(this.shadows + ((<usize>pageIn(pfn)) << 2), this.nonresidentAge);
      this.ageNonresident();
      return pfn;
    }
    store<u8>(this.accessed + pfn, 0);
    if (load<u8>(this.flags + pfn) != 0) {
      store<u8>(this.flags + pfn, <u8>(PG_REFERENCED | PG_ACTIVE));
      this.lists.moveAfter(ACTIVE, node);
      this.inactiveCount--;
      this.activeCount++;
      this.ageNonresident();
    } else {
      store<u8>(this.flags + pfn, <u8>PG_REFERENCED);
      this.lists.moveAfter(INACTIVE, node);
    }
    return NO_FRAME;
  }

  /** Deactivates the tail of the active list, if there is one. */
  private shrinkActive(): void {
    const node = this.lists.previous(ACTIVE);
    if (node == ACTIVE) return;
    const pfn = node - FIRST;
    store<u8>(this.accessed + pfn, 0);
    store<u8>(this.flags + pfn, <u8>(load<u8>(this.flags + pfn) & PG_REFERENCED));
    this.lists.moveAfter(INACTIVE, node);
    this.activeCount--;
    this.inactiveCount++;
  }
}

/** `inactive_ratio` of `inactive_is_low`, with so many pages on the two lists. */
function kernelRatio(pages: u32): u32 {
  const gib = pages >> GIB_SHIFT;
  return gib == 0 ? 1 : <u32>Math.sqrt(<f64>(10 * gib));
}

register<Linux>();
