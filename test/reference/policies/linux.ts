/*
 * Linux's active and inactive lists, with refault detection.
 *
 * Why: the reclaim of Linux 6.16 for one pair of lists of pages that are mapped, each once. The rules,
 * with the function of mm/vmscan.c or mm/workingset.c that each is from:
 *  1. A fault leaves the page's accessed bit set; so does every reference. The page goes to the head
 *     of the inactive list (folio_add_lru), or of the active list by rule 6.
 *  2. Reclaim takes the inactive list's tail (shrink_inactive_list). Its accessed bit is cleared, and
 *     PG_referenced becomes what the accessed bit was. Accessed, and PG_referenced before: to the head
 *     of the active list. Accessed only: to the head of the inactive list. Not accessed: it leaves
 *     (folio_check_references: "we need to look twice if a mapped file/anon folio is used more than
 *     once").
 *  3. After each inactive page that reclaim looks at it may also deactivate the active list's tail: its
 *     accessed bit is cleared and not heeded, PG_referenced stays, and the page goes to the head of
 *     the inactive list (shrink_active_list).
 *  4. It may when the inactive list is low, inactive * ratio < active (inactive_is_low), or when a
 *     refault has been activated since the last reclaim (prepare_scan_control, snapshot_refaults).
 *     ratio is the square root of 10 times the GiB on both lists, rounded down, and 1 below one GiB.
 *  5. The nonresident age counts evictions and activations, those of rule 6 too. A page that leaves
 *     has a shadow: the age before its own eviction (workingset_eviction, move_folios_to_lru).
 *  6. When a page with a shadow is faulted in again, its refault distance is the age now less the age
 *     in the shadow. If it is at most the length of the active list, the page goes to the head of the
 *     active list (workingset_refault).
 *
 * Ours: reclaim is for one page at a time, where the kernel frees SWAP_CLUSTER_MAX = 32; one inactive
 * and one active page are looked at in turn, where the kernel takes up to 32 of each. A GiB is 2^18
 * pages. Dirty pages are written when they leave. Not here: the balance of anonymous memory and
 * files, and PG_workingset, which serves nothing else, file descriptors (folio_mark_accessed),
 * executable mappings, the rebalancing after reclaim (end of shrink_lruvec), the reclaim of
 * shadows, and the distances' coarser units (bucket_order).
 *
 * Parameter: ratio (required): rule 4's ratio; 0 is the kernel's own.
 */

import type { PageId, PolicyContext, SlowPolicy } from "./contract.ts";

interface State {
  accessed: boolean;
  referenced: boolean;
}

const GIB_PAGES = 2 ** 18;

export function linux(context: PolicyContext): SlowPolicy {
  const given = context.params["ratio"];
  if (typeof given !== "number" || !Number.isInteger(given) || given < 0) {
    throw new Error(`linux: ratio=${given}`);
  }

  /** The head is at index 0. */
  const active: PageId[] = [];
  const inactive: PageId[] = [];
  const stateOf = new Map<PageId, State>();
  /** The nonresident age when a page left. */
  const shadowOf = new Map<PageId, number>();
  let nonresidentAge = 0;
  let refaultActivated = false;

  const ratio = (): number => {
    if (given > 0) return given;
    const gib = Math.floor((active.length + inactive.length) / GIB_PAGES);
    return gib === 0 ? 1 : Math.floor(Math.sqrt(10 * gib));
  };

  const inactiveIsLow = () => inactive.length * ratio() < active.length;

  /** Whether the page was accessed; it is not any more. */
  const clearAccessed = (page: PageId): boolean => {
    const state = stateOf.get(page)!;
    const was = state.accessed;
    state.accessed = false;
    return was;
  };

  /** The page, if it leaves. */
  const shrinkInactive = (): PageId | undefined => {
    const page = inactive.pop();
    if (page === undefined) return undefined;
    const state = stateOf.get(page)!;
    const wasReferenced = state.referenced;
    state.referenced = clearAccessed(page);
    if (!state.referenced) {
      shadowOf.set(page, nonresidentAge);
      nonresidentAge += 1;
      return page;
    }
    if (wasReferenced) {
      active.unshift(page);
      nonresidentAge += 1;
    } else {
      inactive.unshift(page);
    }
    return undefined;
  };

  const shrinkActive = (): void => {
    const page = active.pop();
    if (page === undefined) return;
    clearAccessed(page);
    inactive.unshift(page);
  };

  return {
    hit(page) {
      stateOf.get(page)!.accessed = true;
    },
    victim() {
      let victim: PageId | undefined;
      while (victim === undefined) {
        const mayDeactivate = refaultActivated || inactiveIsLow();
        victim = shrinkInactive();
        if (mayDeactivate) shrinkActive();
      }
      refaultActivated = false;
      return victim;
    },
    fill(page) {
      stateOf.set(page, { accessed: true, referenced: false });
      const shadow = shadowOf.get(page);
      if (shadow !== undefined && nonresidentAge - shadow <= active.length) {
        active.unshift(page);
        nonresidentAge += 1;
        refaultActivated = true;
      } else {
        inactive.unshift(page);
      }
    },
    remove(page) {
      const list = active.includes(page) ? active : inactive;
      list.splice(list.indexOf(page), 1);
      shadowOf.delete(page);
    },
    forget(page) {
      shadowOf.delete(page);
    },
  };
}
