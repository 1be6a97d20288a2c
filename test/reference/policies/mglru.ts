/*
 * Linux's multi-generational LRU.
 *
 * Why: Documentation/mm/multigen_lru.rst of Linux 6.16, with the rules of the code behind it, for pages
 * of one type. The function named with a rule is in mm/vmscan.c if nothing else is said.
 *  1. Generations are numbered; pages are in the generations min_seq (oldest) to max_seq (youngest),
 *     two to four of them. At the start min_seq = 0 and max_seq = 3 (lru_gen_init_lruvec). Each has a
 *     list. A page knows its generation, and may be in the list of an older one until eviction
 *     meets it there ("lazily sorted").
 *  2. A page has PG_referenced, PG_workingset and two more bits. refs is 0 without PG_referenced and
 *     1 + the bits with it; the tier is 3 with PG_workingset and else 0, 0, 1, 2, 2 for refs 0 to 4
 *     (lru_tier_from_refs in mm_inline.h).
 *  3. access=mapped: pages are anonymous and used through page tables. A reference sets the accessed
 *     bit, the fault too. The page comes in at the head of the second youngest generation, or, with
 *     PG_workingset, of the youngest (lru_gen_folio_seq in mm_inline.h).
 *     access=file: pages are read through file descriptors. Every reference marks the page as used,
 *     the first too: PG_referenced; then the bits count up to 3; then PG_workingset
 *     (lru_gen_inc_refs in swap.c). The page comes in at the head of the list of max_seq - 3, or, with
 *     PG_workingset, max_seq - 2, and of min_seq if that is younger.
 *  4. Ageing (try_to_inc_max_seq): the accessed bit of every page is cleared. Of those that had it,
 *     one with neither PG_referenced nor PG_workingset gets PG_referenced; any other gets
 *     PG_workingset, loses PG_referenced and the bits, and belongs to generation max_seq from now on
 *     (folio_update_gen). Then max_seq goes up by one.
 *  5. Eviction needs four generations; as long as there are fewer, ageing comes first
 *     (should_run_aging). It then looks at the tail of the oldest list (scan_folios, sort_folio):
 *      - the page belongs to another generation: to the head of that one's list;
 *      - its tier is protected (rule 8), or refs = 4 and PG_workingset: to the head of the next
 *        generation, without PG_referenced and bits (folio_inc_gen). It counts as protected in its
 *        tier, but in the second case;
 *      - otherwise it is taken, and eviction looks no further.
 *  6. Then min_seq goes up while its list is empty and there are more than two generations
 *     (try_to_inc_min_seq). If it does, the averages of rule 8 are taken and the counts start anew.
 *  7. A page that was taken, and is accessed, stays (folio_check_references, lru_gen_set_refs): it gets
 *     PG_workingset, loses PG_referenced and the bits, and goes to the head of max_seq. Eviction goes
 *     on with rule 5. (The kernel treats a page with neither of the two flags otherwise. There is
 *     none here: since its fault, ageing has looked at the page at least twice.) If it is not
 *     accessed, it leaves, and counts as evicted in its tier. Its shadow has min_seq, refs (at least
 *     1) and PG_workingset (lru_gen_eviction in workingset.c).
 *  8. The controller: with R = average + count of refaults and T = average + count of
 *     evicted and protected pages of a tier, tier n is protected, and all above it, if
 *     R(n) >= batch and R(n) * (T(0) + batch) * 2 > (R(0) + 1) * T(n) * 3, for the lowest such n > 0
 *     (get_tier_idx, positive_ctrl_err). The new average is half of average + count, rounded down
 *     (reset_ctrl_pos). Tiers are judged each time rule 5 begins.
 *  9. When a page with a shadow comes in, and max_seq less the shadow's min_seq is below 4, it
 *     counts as a refault in the tier of the shadow's refs and PG_workingset, and has
 *     PG_workingset if the shadow has it (lru_gen_refault in workingset.c).
 *
 * Ours: eviction is for one page at a time (the kernel takes 64, MIN_LRU_BATCH, from a list at once).
 * Ageing looks at every resident page; the kernel walks page tables, skips parts of them by Bloom
 * filters, and looks at the neighbours of accessed pages in eviction (lru_gen_look_around). It ages
 * as reclaim below the default priority does, which keeps three to four generations (at the
 * default priority the kernel puts it off until there are two: get_nr_to_scan). Dirty pages are
 * written when they leave. Left out: the balance of anonymous memory and files, several
 * memory cgroups, min_ttl, and the shadow's refs, which lru_gen_refault puts back but the next
 * mark clears, for PG_referenced is not put back with them.
 *
 * Parameters: access ("mapped", or "file"); batch (required): MIN_LRU_BATCH in rule 8, 64 in the kernel.
 */

import type { PageId, PolicyContext, SlowPolicy } from "./contract.ts";

interface State {
  generation: number;
  accessed: boolean;
  referenced: boolean;
  bits: number;
  workingset: boolean;
}

interface Shadow {
  minSeq: number;
  refs: number;
  workingset: boolean;
}

interface Tier {
  refaulted: number;
  evicted: number;
  protected: number;
  averageRefaulted: number;
  averageTotal: number;
}

const GENERATIONS_MIN = 2;
const GENERATIONS_MAX = 4;
const TIER_OF_REFS = [0, 0, 1, 2, 2];
const TOP_TIER = 3;

export function mglru(context: PolicyContext): SlowPolicy {
  const access = context.params["access"] ?? "mapped";
  const batch = context.params["batch"];
  if (access !== "mapped" && access !== "file") throw new Error(`mglru: access=${access}`);
  if (typeof batch !== "number" || !Number.isInteger(batch) || batch < 1) {
    throw new Error(`mglru: batch=${batch}`);
  }

  let minSeq = 0;
  let maxSeq = 3;
  /** By generation; the head is at index 0. */
  const lists = new Map<number, PageId[]>();
  const stateOf = new Map<PageId, State>();
  const shadowOf = new Map<PageId, Shadow>();
  const tiers: Tier[] = Array.from({ length: TOP_TIER + 1 }, () => ({
    refaulted: 0,
    evicted: 0,
    protected: 0,
    averageRefaulted: 0,
    averageTotal: 0,
  }));

  const listOf = (generation: number): PageId[] => {
    if (!lists.has(generation)) lists.set(generation, []);
    return lists.get(generation)!;
  };

  const putInto = (generation: number, page: PageId): void => {
    stateOf.get(page)!.generation = generation;
    listOf(generation).unshift(page);
  };

  const refsOf = (state: State): number => (state.referenced ? 1 + state.bits : 0);
  const tierOf = (refs: number, workingset: boolean): number => (workingset ? TOP_TIER : TIER_OF_REFS[refs]!);

  const clearRefs = (state: State): void => {
    state.referenced = false;
    state.bits = 0;
  };

  /** What an accessed bit does to its page, in rules 4 and 7; whether it promotes the page. */
  const noteAccess = (state: State): boolean => {
    state.accessed = false;
    if (!state.referenced && !state.workingset) {
      state.referenced = true;
      state.bits = 0;
      return false;
    }
    clearRefs(state);
    state.workingset = true;
    return true;
  };

  const markUsed = (state: State): void => {
    if (!state.referenced) {
      state.referenced = true;
      state.bits = 0;
    } else if (state.bits < 3) {
      state.bits += 1;
    } else {
      state.workingset = true;
    }
  };

  const age = (): void => {
    for (const state of stateOf.values()) {
      if (state.accessed && noteAccess(state)) state.generation = maxSeq;
    }
    maxSeq += 1;
  };

  const refaultsOf = (tier: Tier): number => tier.averageRefaulted + tier.refaulted;
  const totalOf = (tier: Tier): number => tier.averageTotal + tier.evicted + tier.protected;

  const lowestProtectedTier = (): number => {
    const base = tiers[0]!;
    const isProtected = (tier: Tier): boolean =>
      refaultsOf(tier) >= batch &&
      refaultsOf(tier) * (totalOf(base) + batch) * 2 > (refaultsOf(base) + 1) * totalOf(tier) * 3;
    const found = tiers.findIndex((tier, number) => number > 0 && isProtected(tier));
    return found === -1 ? tiers.length : found;
  };

  /** Rule 5; the page that is taken, if any. */
  const take = (): PageId | undefined => {
    const firstProtected = lowestProtectedTier();
    for (;;) {
      const page = listOf(minSeq).pop();
      if (page === undefined) return undefined;
      const state = stateOf.get(page)!;
      const refs = refsOf(state);
      const tier = tierOf(refs, state.workingset);
      if (state.generation !== minSeq) {
        putInto(state.generation, page);
      } else if (refs === 4 && state.workingset) {
        clearRefs(state);
        putInto(minSeq + 1, page);
      } else if (tier >= firstProtected) {
        tiers[tier]!.protected += 1;
        clearRefs(state);
        putInto(minSeq + 1, page);
      } else {
        return page;
      }
    }
  };

  const moveOldest = (): void => {
    const before = minSeq;
    while (listOf(minSeq).length === 0 && maxSeq - minSeq + 1 > GENERATIONS_MIN) minSeq += 1;
    if (minSeq === before) return;
    for (const tier of tiers) {
      tier.averageRefaulted = Math.floor(refaultsOf(tier) / 2);
      tier.averageTotal = Math.floor(totalOf(tier) / 2);
      tier.refaulted = 0;
      tier.evicted = 0;
      tier.protected = 0;
    }
  };

  return {
    hit(page) {
      const state = stateOf.get(page)!;
      if (access === "mapped") state.accessed = true;
      else markUsed(state);
    },
    victim() {
      for (;;) {
        while (maxSeq - minSeq + 1 < GENERATIONS_MAX) age();
        const page = take();
        moveOldest();
        if (page === undefined) continue;
        const state = stateOf.get(page)!;
        if (!state.accessed) {
          const refs = refsOf(state);
          tiers[tierOf(refs, state.workingset)]!.evicted += 1;
          shadowOf.set(page, { minSeq, refs: Math.max(refs, 1), workingset: state.workingset });
          stateOf.delete(page);
          return page;
        }
        if (!noteAccess(state)) throw new Error("mglru: ageing has not seen this page");
        putInto(maxSeq, page);
      }
    },
    fill(page) {
      const shadow = shadowOf.get(page);
      const isRefault = shadow !== undefined && maxSeq - shadow.minSeq < GENERATIONS_MAX;
      if (isRefault) tiers[tierOf(shadow.refs, shadow.workingset)]!.refaulted += 1;
      const workingset = isRefault && shadow.workingset;

      const state = { generation: 0, accessed: false, referenced: false, bits: 0, workingset };
      stateOf.set(page, state);
      if (access === "mapped") {
        state.accessed = true;
        putInto(workingset ? maxSeq : maxSeq - 1, page);
      } else {
        markUsed(state);
        putInto(Math.max(workingset ? maxSeq - 2 : maxSeq - 3, minSeq), page);
      }
    },
    remove(page) {
      for (const list of lists.values()) if (list.includes(page)) list.splice(list.indexOf(page), 1);
      stateOf.delete(page);
      shadowOf.delete(page);
    },
    forget(page) {
      shadowOf.delete(page);
    },
  };
}
