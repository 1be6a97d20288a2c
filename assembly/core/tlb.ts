/**
 * A set-associative translation look-aside buffer; with one set it also serves as a paging-structure cache.
 *
 * An entry is 16 bytes, moved as one vector:   tag u64 | payload u32 | meta u32
 * The tag holds address space and vpn (see runs.ts), so nothing is flushed at a context switch; the payload
 * is a pfn here and a table's address in a paging-structure cache.
 *
 * LRU and FIFO sets are kept in order, newest first and empty ways last: a look-up that finds its tag in the
 * first way needs no bookkeeping, which is the fast path that the replay loop has inline.
 *     ordered     [ newest | ... | oldest | empty ]
 * Sets of the other policies keep every entry in its way and start with a sentinel that never matches, so
 * that the same inline test sends their look-ups to `lookup`:
 *     positional  [ NO_TAG, count | way 0 | way 1 | ... ]
 *
 * Policies: LRU; FIFO by order of fill; bit-PLRU (a bit a way, set by use; when all are set the others are
 * cleared; victim: the lowest way with a clear bit); LFU with ties to the lowest way, a fill counting as one
 * use (as DynamoRIO's drmemtrace simulators count); random. An empty way, lowest first, precedes any victim.
 */

import { reserve } from "../layout";
import { Rng, rngAt } from "../lib/rng";
import { ASID_SHIFT, NO_TAG } from "./runs";

export const LRU: u32 = 0;
export const FIFO: u32 = 1;
export const PLRU: u32 = 2;
export const LFU: u32 = 3;
export const RANDOM: u32 = 4;

/** What a look-up returns when the tag is not there; no payload has this value. */
export const MISS: u32 = u32.MAX_VALUE;

export const PAYLOAD = 8;
const META = 12;
const ENTRY_SHIFT = 4;
const ENTRY_BYTES = 16;

@unmanaged
@final
export class Tlb {
  entries: usize;
  setMask: u32;
  setBytes: u32;
  ways: u32;
  policy: u32;
  misses: u64;
  invalidated: u64;
  rngState: u64;
  rngIncrement: u64;

  /** Reserves the entries. `sets` is a power of two; `stream` numbers the random generator. */
  init(sets: u32, ways: u32, policy: u32, stream: u32): void {
    this.setMask = sets - 1;
    this.ways = ways;
    this.policy = policy;
    this.setBytes = (ways + <u32>this.positional) << ENTRY_SHIFT;
    this.entries = reserve(<u64>sets * this.setBytes);
    rngAt(changetype<usize>(this) + offsetof<Tlb>("rngState"), stream);
  }

  get positional(): bool {
    return this.policy > FIFO;
  }

  /** Empties every way; call once the memory is committed. */
  clear(): void {
    const end = this.entries + (<usize>this.setMask + 1) * this.setBytes;
    for (let at = this.entries; at < end; at += ENTRY_BYTES) emptyEntry(at);
  }

  @inline
  set(tag: u64): usize {
    return this.entries + (<u32>tag & this.setMask) * this.setBytes;
  }

  /**
   * The payload of `tag`, or `MISS`; `references` uses in a row count as one look-up of an LRU or FIFO set.
   */
  lookup(tag: u64, references: u32): u32 {
    const set = this.set(tag);
    return this.positional ? this.lookupPositional(set, tag, references) : this.lookupOrdered(set, tag);
  }

  private lookupOrdered(set: usize, tag: u64): u32 {
    if (load<u64>(set) == tag) return load<u32>(set, PAYLOAD);
    const end = set + this.setBytes;
    const at = Tlb.search(set, end, tag);
    if (at >= end) {
      this.misses++;
      return MISS;
    }
    const payload = load<u32>(at, PAYLOAD);
    if (this.policy == LRU) Tlb.moveFirst(set, at);
    return payload;
  }

  /** The way behind the first that holds `tag`, or the set's end. */
  @inline
  static search(set: usize, end: usize, tag: u64): usize {
    let at = set + ENTRY_BYTES;
    while (at < end && load<u64>(at) != tag) at += ENTRY_BYTES;
    return at;
  }

  /** Makes the entry at `at` the first of its set. */
  @inline
  static moveFirst(set: usize, at: usize): void {
    const entry = v128.load(at);
    for (; at > set; at -= ENTRY_BYTES) v128.store(at, v128.load(at - ENTRY_BYTES));
    v128.store(set, entry);
  }

  private lookupPositional(set: usize, tag: u64, references: u32): u32 {
    const end = set + this.setBytes;
    for (let at = set + ENTRY_BYTES; at < end; at += ENTRY_BYTES) {
      if (load<u64>(at) == tag) {
        this.use(set, at, references);
        return load<u32>(at, PAYLOAD);
      }
    }
    this.misses++;
    return MISS;
  }

  /** Enters a translation that a look-up has just missed; it has been used `references` times then. */
  fill(tag: u64, payload: u32, references: u32): void {
    const set = this.set(tag);
    if (this.positional) {
      const at = this.freeOrVictim(set);
      store<u64>(at, tag);
      store<u32>(at, payload, PAYLOAD);
      this.use(set, at, references);
      return;
    }
    let at = set;
    const last = set + this.setBytes - ENTRY_BYTES;
    while (at < last && load<u64>(at) != NO_TAG) at += ENTRY_BYTES;
    shiftDown(set, at);
    store<u64>(set, tag);
    store<u32>(set, payload, PAYLOAD);
  }

  /** Removes the translation of `tag`, if it is there, and counts it. */
  invalidate(tag: u64): void {
    const set = this.set(tag);
    const end = set + this.setBytes;
    for (let at = set; at < end; at += ENTRY_BYTES) {
      if (load<u64>(at) == tag) {
        this.invalidated++;
        this.remove(set, at);
        return;
      }
    }
  }

  /** Removes every translation of an address space. */
  invalidateSpace(asid: u64): void {
    const first = this.entries;
    for (let set = first + <usize>this.setMask * this.setBytes; set >= first; set -= this.setBytes) {
      let at = set + this.setBytes;
      while (at > set) {
        at -= ENTRY_BYTES;
        const tag = load<u64>(at);
        if (tag != NO_TAG && tag >> ASID_SHIFT == asid) this.remove(set, at);
      }
    }
  }

  private remove(set: usize, at: usize): void {
    if (this.positional) {
      if (this.policy == PLRU) store<u32>(set, load<u32>(set, META) - load<u32>(at, META), META);
      emptyEntry(at);
      return;
    }
    const last = set + this.setBytes - ENTRY_BYTES;
    for (; at < last; at += ENTRY_BYTES) v128.store(at, v128.load(at, ENTRY_BYTES));
    emptyEntry(last);
  }

  private freeOrVictim(set: usize): usize {
    const first = set + ENTRY_BYTES;
    const end = set + this.setBytes;
    for (let at = first; at < end; at += ENTRY_BYTES) {
      if (load<u64>(at) == NO_TAG) return at;
    }
    let victim = first;
    if (this.policy == RANDOM) {
      victim = first + (this.rng.below(this.ways) << ENTRY_SHIFT);
    } else {
      for (let at = first + ENTRY_BYTES; at < end; at += ENTRY_BYTES) {
        if (load<u32>(at, META) < load<u32>(victim, META)) victim = at;
      }
    }
    if (this.policy == PLRU) store<u32>(set, load<u32>(set, META) - load<u32>(victim, META), META);
    store<u32>(victim, 0, META);
    return victim;
  }

  private get rng(): Rng {
    return changetype<Rng>(changetype<usize>(this) + offsetof<Tlb>("rngState"));
  }

  /** PLRU: the sentinel's meta is the number of bits that are set in the set. */
  private use(set: usize, at: usize, references: u32): void {
    if (this.policy == LFU) {
      const count = <u64>load<u32>(at, META) + references;
      store<u32>(at, <u32>min<u64>(count, u32.MAX_VALUE), META);
    } else if (this.policy == PLRU && load<u32>(at, META) == 0) {
      const used = load<u32>(set, META) + 1;
      if (used == this.ways) {
        const end = set + this.setBytes;
        for (let other = set + ENTRY_BYTES; other < end; other += ENTRY_BYTES) store<u32>(other, 0, META);
        store<u32>(set, 1, META);
      } else {
        store<u32>(set, used, META);
      }
      store<u32>(at, 1, META);
    }
  }
}

/** Moves the entries from `set` up to before `at` one way on, over the entry at `at`. */
function shiftDown(set: usize, at: usize): void {
  for (; at > set; at -= ENTRY_BYTES) v128.store(at, v128.load(at - ENTRY_BYTES));
}

function emptyEntry(at: usize): void {
  store<u64>(at, NO_TAG);
  store<u64>(at, 0, PAYLOAD);
}
