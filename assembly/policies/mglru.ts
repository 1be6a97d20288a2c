/**
 * Linux's multi-generational LRU: pages in generations by the time of their last use, and a controller that
 * spares pages whose kind is missed most after eviction.
 *
 *     evicted <── [ min_seq ] [ ... ] [ max_seq - 1 ] [ max_seq ]      four generations, each with a list
 *                      │ protected ^       ^ fault         ^ used again
 *                      └───────────┘       ageing adds one on the right when there are fewer than four
 *
 * The rules are those of Linux 6.16: Documentation/mm/multigen_lru.rst, mm/vmscan.c and what else is named.
 *
 * `access=mapped`: pages are anonymous and used through page tables. A reference sets the accessed bit, the
 * fault too. A page comes into the second youngest generation (lru_gen_folio_seq in mm_inline.h).
 *  - Ageing (try_to_inc_max_seq) takes the accessed bits of all pages. The first time a page gets
 *    PG_referenced for it, from then on PG_workingset instead, and its generation is max_seq
 *    (folio_update_gen); max_seq then goes up.
 *  - Eviction looks at the tail of the oldest list (scan_folios). A page that ageing has promoted goes to its
 *    own generation's list only now (sort_folio). One that is accessed goes to generation max_seq, with
 *    PG_workingset (folio_check_references, lru_gen_set_refs; ageing has been there twice since its fault, so
 *    that it has one of the two flags). Others leave. When the list is empty, min_seq goes up to the next
 *    that is not, but leaves two generations (try_to_inc_min_seq).
 *
 * `access=file`: every reference is a read through a file descriptor, the first too. There are no accessed
 * bits; uses are counted in PG_referenced and two more bits, up to four, and the fifth sets PG_workingset
 * (lru_gen_inc_refs in swap.c). A page comes into generation max_seq - 3, or max_seq - 2 with PG_workingset,
 * or min_seq if that is younger. One with four uses and PG_workingset is moved to the next generation when
 * eviction meets it, and counts anew (folio_inc_gen).
 *
 * Tiers: 3 with PG_workingset, else 0, 0, 1, 2, 2 for 0 to 4 uses (lru_tier_from_refs in mm_inline.h);
 * PG_referenced alone is one use, so that mapped pages are in tier 0 or 3. An evicted page leaves min_seq and
 * its flags in a shadow; when it is faulted in again before max_seq is four ahead, it counts as a refault of
 * its tier, and has its PG_workingset again (lru_gen_eviction, lru_gen_refault in workingset.c): a mapped
 * page then comes into the youngest generation. Tier n and those above it are protected, that is moved to the
 * next generation when eviction meets them, if
 *     R(n) >= batch   and   R(n) * (T(0) + batch) * 2 > (R(0) + 1) * T(n) * 3
 * where R are refaults and T evicted and protected pages, since min_seq last changed plus an average that is
 * halved with them when it does (get_tier_idx, positive_ctrl_err, reset_ctrl_pos: the P and I of a PID
 * controller).
 *
 * Departures: one page is evicted at a time, where the kernel isolates 64 (MIN_LRU_BATCH), so that tiers are
 * judged for each. Ageing looks at every frame, where the kernel walks page tables that Bloom filters find
 * promising, and eviction does not look at an accessed page's neighbours (lru_gen_look_around). Ageing keeps
 * three to four generations, as reclaim below the default priority does; at the default priority the kernel
 * puts it off until there are two (get_nr_to_scan). Dirty pages are written when they leave. Left out: the
 * balance of anonymous memory and files, memory cgroups, min_ttl.
 */

import { accessedAt, pageIn } from "../core/frames";
import { parameter, ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { reserveArray } from "../layout";
import { Links } from "../lib/list";

const GENERATIONS_MIN: u32 = 2;
/** Also the number of lists: generation g is in list g mod 4, whose sentinel is node g mod 4. */
const GENERATIONS_MAX: u32 = 4;
const GENERATION_MASK: u32 = 3;
const FIRST: u32 = GENERATIONS_MAX;

/**
 * The state of a frame, a byte: PG_workingset | PG_referenced | two bits of uses | generation mod 4. The uses
 * are 0 without PG_referenced, and one more than the two bits with it.
 */
const WORKINGSET: u32 = 32;
const REFERENCED: u32 = 16;
const USES_SHIFT: u32 = 2;
const USES_MASK: u32 = REFERENCED | (3 << USES_SHIFT);
const USES_MAX: u32 = 4;

/** A shadow: min_seq, cut to 28 bits | PG_workingset | uses, at least 1, so that 0 is no shadow. */
const SHADOW_WORKINGSET: u32 = 8;
const SHADOW_USES: u32 = 7;
const SHADOW_SEQ_SHIFT: u32 = 4;
const SHADOW_SEQ_MASK: u32 = u32.MAX_VALUE >> SHADOW_SEQ_SHIFT;

const TIERS: u32 = 4;

/** What is counted for each tier, u64. */
const REFAULTED: u32 = 0;
const EVICTED_OR_PROTECTED: u32 = 1;
const REFAULTED_AVERAGE: u32 = 2;
const TOTAL_AVERAGE: u32 = 3;
const COUNTS: u32 = 4;

const MAPPED: u32 = 0;
const NO_FRAME: u32 = u32.MAX_VALUE;

@unmanaged
@final
class Mglru extends ReplacementPolicy {
  private links0: u64;
  private frames: u32;
  private minSeq: u32;
  private maxSeq: u32;
  private mapped: bool;
  private batch: u64;
  private accessed: usize;
  /** By frame, u8. */
  private states: usize;
  /** By page, u32. */
  private shadows: usize;
  private counts: usize;

  about(): string {
    return `{
      "name": "mglru",
      "summary": "Linux's multi-generational LRU: evicts from the oldest of four generations, and spares kinds of pages that refault most",
      "paper": "Yu Zhao, Multi-Gen LRU, Documentation/mm/multigen_lru.rst of Linux 6.16, 2025",
      "parameters": [
        { "name": "access", "type": "choice", "default": "mapped", "choices": ["mapped", "file"],
          "summary": "whether references go through page tables, and set accessed bits, or through file descriptors, and are counted" },
        { "name": "batch", "type": "integer", "default": 64, "min": 1, "max": 1000000,
          "summary": "refaults below which a tier is never protected" }
      ]
    }`;
  }

  private get lists(): Links {
    return changetype<Links>(changetype<usize>(this) + offsetof<Mglru>("links0"));
  }

  init(frames: u32, pages: u32): void {
    this.frames = frames;
    this.maxSeq = GENERATIONS_MAX - 1;
    this.mapped = <u32>parameter(0) == MAPPED;
    this.batch = <u64>parameter(1);
    this.accessed = accessedAt();
    this.states = reserveArray<u8>(frames);
    this.shadows = reserveArray<u32>(pages);
    this.counts = reserveArray<u64>(TIERS * COUNTS);
    this.lists.init(frames + FIRST);
  }

  @inline
  onHit(pfn: u32, references: u32): void {
    if (this.mapped) store<u8>(this.accessed + pfn, 1);
    else this.countUses(pfn, references);
  }

  @inline
  victim(page: u32): u32 {
    let pfn = NO_FRAME;
    do {
      while (this.maxSeq - this.minSeq + 1 < GENERATIONS_MAX) this.age();
      pfn = this.take();
      this.moveOldest();
      if (pfn != NO_FRAME && load<u8>(this.accessed + pfn) != 0) {
        this.keep(pfn);
        pfn = NO_FRAME;
      }
    } while (pfn == NO_FRAME);
    this.leaveShadow(pfn);
    return pfn;
  }

  @inline
  onFill(pfn: u32, page: u32): void {
    if (this.lists.next(1) == 0) this.lists.split(GENERATIONS_MAX);
    const workingset = this.isWorkingset(page);
    store<u8>(this.states + pfn, <u8>(workingset ? WORKINGSET : 0));
    let seq = this.maxSeq - (workingset ? 0 : 1);
    if (this.mapped) {
      store<u8>(this.accessed + pfn, 1);
    } else {
      this.countUses(pfn, 1);
      seq = max(seq - 2, this.minSeq);
    }
    this.lists.insertAfter(seq & GENERATION_MASK, pfn + FIRST);
    this.setGeneration(pfn, seq);
  }

  onRemove(pfn: u32): void {
    this.lists.remove(pfn + FIRST);
    store<u8>(this.accessed + pfn, 0);
    this.onForget(pageIn(pfn));
  }

  onForget(page: u32): void {
    store<u32>(this.shadows + ((<usize>page) << 2), 0);
  }

  private countUses(pfn: u32, references: u32): void {
    const state = this.state(pfn);
    const uses = usesOf(state) + references;
    const workingset = uses > USES_MAX ? WORKINGSET : 0;
    const counted = REFERENCED | ((min(uses, USES_MAX) - 1) << USES_SHIFT);
    this.setState(pfn, (state & ~USES_MASK) | counted | workingset);
  }

  /** Counts the refault of a page that left not long ago; whether it has PG_workingset again. */
  private isWorkingset(page: u32): bool {
    const shadow = load<u32>(this.shadows + ((<usize>page) << 2));
    const age = (this.maxSeq - (shadow >> SHADOW_SEQ_SHIFT)) & SHADOW_SEQ_MASK;
    if (shadow == 0 || age >= GENERATIONS_MAX) return false;
    const workingset = (shadow & SHADOW_WORKINGSET) != 0;
    this.addTo(REFAULTED, tierOf(shadow & SHADOW_USES, workingset));
    return workingset;
  }

  private age(): void {
    for (let pfn: u32 = 0; pfn < this.frames; pfn++) {
      if (load<u8>(this.accessed + pfn) != 0 && this.noteAccess(pfn)) this.setGeneration(pfn, this.maxSeq);
    }
    this.maxSeq++;
  }

  /** Takes the accessed bit; whether it promotes the page. */
  private noteAccess(pfn: u32): bool {
    store<u8>(this.accessed + pfn, 0);
    const state = this.state(pfn) & ~USES_MASK;
    const again = (this.state(pfn) & (REFERENCED | WORKINGSET)) != 0;
    this.setState(pfn, state | (again ? WORKINGSET : REFERENCED));
    return again;
  }

  /** Takes a frame off the tail of the oldest list, after sorting; `NO_FRAME` when none is left. */
  private take(): u32 {
    const oldest = this.minSeq & GENERATION_MASK;
    const firstProtected = this.firstProtectedTier();
    let node = this.lists.previous(oldest);
    while (node != oldest && this.sort(node, firstProtected)) node = this.lists.previous(oldest);
    if (node == oldest) return NO_FRAME;
    this.lists.remove(node);
    return node - FIRST;
  }

  /** Moves a page from the oldest list to a younger one if it has been promoted or is protected. */
  private sort(node: u32, firstProtected: u32): bool {
    const pfn = node - FIRST;
    const state = this.state(pfn);
    const generation = state & GENERATION_MASK;
    if (generation != (this.minSeq & GENERATION_MASK)) {
      this.lists.moveAfter(generation, node);
      return true;
    }
    const uses = usesOf(state);
    const workingset = (state & WORKINGSET) != 0;
    const tier = tierOf(uses, workingset);
    const isFull = uses == USES_MAX && workingset;
    if (tier < firstProtected && !isFull) return false;
    if (!isFull) this.addTo(EVICTED_OR_PROTECTED, tier);
    this.setState(pfn, state & ~USES_MASK);
    this.setGeneration(pfn, this.minSeq + 1);
    this.lists.moveAfter((this.minSeq + 1) & GENERATION_MASK, node);
    return true;
  }

  /** Puts a frame that was taken back, because its page is accessed. */
  private keep(pfn: u32): void {
    const promoted = this.noteAccess(pfn);
    assert(promoted);
    this.lists.insertAfter(this.maxSeq & GENERATION_MASK, pfn + FIRST);
    this.setGeneration(pfn, this.maxSeq);
  }

  private leaveShadow(pfn: u32): void {
    const state = this.state(pfn);
    const workingset = (state & WORKINGSET) != 0;
    const uses = usesOf(state);
    this.addTo(EVICTED_OR_PROTECTED, tierOf(uses, workingset));
    const flags = max<u32>(uses, 1) | (workingset ? SHADOW_WORKINGSET : 0);
    store<u32>(this.shadows + ((<usize>pageIn(pfn)) << 2), (this.minSeq << SHADOW_SEQ_SHIFT) | flags);
  }

  private moveOldest(): void {
    const before = this.minSeq;
    let seq = before;
    while (this.maxSeq - seq + 1 > GENERATIONS_MIN && this.isEmpty(seq)) seq++;
    if (seq == before) return;
    this.minSeq = seq;
    for (let tier: u32 = 0; tier < TIERS; tier++) {
      this.average(REFAULTED_AVERAGE, REFAULTED, tier);
      this.average(TOTAL_AVERAGE, EVICTED_OR_PROTECTED, tier);
    }
  }

  private isEmpty(seq: u32): bool {
    const list = seq & GENERATION_MASK;
    return this.lists.previous(list) == list;
  }

  private firstProtectedTier(): u32 {
    const refaulted = this.refaulted(0) + 1;
    const total = this.total(0) + this.batch;
    for (let tier: u32 = 1; tier < TIERS; tier++) {
      if (this.refaulted(tier) < this.batch) continue;
      if (this.refaulted(tier) * total * 2 > refaulted * this.total(tier) * 3) return tier;
    }
    return TIERS;
  }

  private refaulted(tier: u32): u64 {
    return load<u64>(this.countAt(REFAULTED, tier)) + load<u64>(this.countAt(REFAULTED_AVERAGE, tier));
  }

  private total(tier: u32): u64 {
    return load<u64>(this.countAt(EVICTED_OR_PROTECTED, tier)) + load<u64>(this.countAt(TOTAL_AVERAGE, tier));
  }

  private average(average: u32, count: u32, tier: u32): void {
    const sum = load<u64>(this.countAt(average, tier)) + load<u64>(this.countAt(count, tier));
    store<u64>(this.countAt(average, tier), sum >> 1);
    store<u64>(this.countAt(count, tier), 0);
  }

  private addTo(count: u32, tier: u32): void {
    const at = this.countAt(count, tier);
    store<u64>(at, load<u64>(at) + 1);
  }

  private countAt(count: u32, tier: u32): usize {
    return this.counts + ((<usize>(count * TIERS + tier)) << 3);
  }

  private state(pfn: u32): u32 {
    return load<u8>(this.states + pfn);
  }

  private setState(pfn: u32, state: u32): void {
    store<u8>(this.states + pfn, <u8>state);
  }

  private setGeneration(pfn: u32, seq: u32): void {
    this.setState(pfn, (this.state(pfn) & ~GENERATION_MASK) | (seq & GENERATION_MASK));
  }
}

/** `folio_lru_refs` */
function usesOf(state: u32): u32 {
  return (state & REFERENCED) == 0 ? 0 : ((state >> USES_SHIFT) & 3) + 1;
}

/** `lru_tier_from_refs` */
function tierOf(uses: u32, workingset: bool): u32 {
  if (workingset) return TIERS - 1;
  return uses <= 1 ? 0 : 32 - <u32>clz(uses - 1);
}

register<Mglru>();
