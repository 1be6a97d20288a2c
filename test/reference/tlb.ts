/*
 * A set-associative translation lookaside buffer (TLB) tagged with address-space identifiers.
 *
 * Why: each set is a plain array of ways, searched from one end to the other, and each replacement
 * policy is written as its definition. Organisation after J. L. Hennessy and D. A. Patterson,
 * "Computer Architecture: A Quantitative Approach", appendix B; ASID tags as the PCIDs of the
 * Intel SDM vol. 3A, section 4.10.1. Bit-PLRU is the MRU-bit policy of H. Al-Zoubi, A. Milenkovic
 * and M. Milenkovic, "Performance evaluation of cache replacement policies for the SPEC CPU2000
 * benchmark suite", ACM Southeast Conference, 2004.
 */

export type TlbPolicy = "lru" | "fifo" | "plru" | "lfu" | "random";

export interface TlbGeometry {
  sets: number;
  ways: number;
  policy: TlbPolicy;
  /** The random stream of policy "random": the victim's way, 0 <= pick(ways) < ways. */
  pick?: (ways: number) => number;
}

/** One translation in one way of one set, with the state that each policy keeps for it. */
interface TlbEntry {
  asid: number;
  vpn: bigint;
  /** When it was last accessed or filled (lru). */
  usedAt: number;
  /** When it was filled (fifo). */
  filledAt: number;
  /** The MRU bit (plru). */
  mru: boolean;
  /** How often it was used since it was filled (lfu). */
  count: number;
}

type TlbSet = (TlbEntry | undefined)[];

const MAX_COUNT = 2 ** 32 - 1;

export class SlowTlb {
  readonly geometry: TlbGeometry;
  hits = 0;
  misses = 0;
  /** How many entries `invalidate` has removed. */
  invalidated = 0;

  readonly #sets: TlbSet[] = [];
  #time = 0;

  constructor(geometry: TlbGeometry) {
    if (geometry.policy === "random" && geometry.pick === undefined) {
      throw new Error("a TLB with random replacement needs pick");
    }
    this.geometry = geometry;
    for (let set = 0; set < geometry.sets; set += 1) {
      this.#sets.push(Array.from({ length: geometry.ways }, () => undefined));
    }
  }

  /** Looks the translation up: true is a hit. A miss changes nothing but the counter. */
  access(asid: number, vpn: bigint): boolean {
    const set = this.#setOf(vpn);
    const entry = set[wayOf(set, asid, vpn)];
    if (entry === undefined) {
      this.misses += 1;
      return false;
    }
    this.hits += 1;
    this.#time += 1;
    entry.usedAt = this.#time;
    entry.count = Math.min(entry.count + 1, MAX_COUNT);
    setMruBit(set, entry);
    return true;
  }

  /** Puts a translation that missed into the lowest empty way, or else in the victim's place. */
  fill(asid: number, vpn: bigint): void {
    const set = this.#setOf(vpn);
    if (wayOf(set, asid, vpn) !== -1) throw new Error("fill of a translation that is present");
    const emptyWay = set.indexOf(undefined);
    const way = emptyWay !== -1 ? emptyWay : this.#victimWay(set as TlbEntry[]);
    this.#time += 1;
    const entry = { asid, vpn, usedAt: this.#time, filledAt: this.#time, mru: false, count: 1 };
    set[way] = entry;
    setMruBit(set, entry);
  }

  /** Empties the way that holds the translation; false if there is none. */
  invalidate(asid: number, vpn: bigint): boolean {
    const set = this.#setOf(vpn);
    const way = wayOf(set, asid, vpn);
    if (way === -1) return false;
    set[way] = undefined;
    this.invalidated += 1;
    return true;
  }

  #setOf(vpn: bigint): TlbSet {
    return this.#sets[Number(vpn % BigInt(this.geometry.sets))]!;
  }

  /** The way to replace in a set that is full. */
  #victimWay(entries: TlbEntry[]): number {
    switch (this.geometry.policy) {
      case "lru":
        return wayOfLowest(entries.map((entry) => entry.usedAt));
      case "fifo":
        return wayOfLowest(entries.map((entry) => entry.filledAt));
      case "lfu":
        return wayOfLowest(entries.map((entry) => entry.count));
      case "plru":
        // With a single way its bit is always 1, and the way is the victim all the same.
        return Math.max(
          0,
          entries.findIndex((entry) => !entry.mru),
        );
      case "random":
        return checkedWay(this.geometry.pick!(entries.length), entries.length);
    }
  }
}

/** The way that holds the translation, or -1. */
function wayOf(set: TlbSet, asid: number, vpn: bigint): number {
  return set.findIndex((entry) => entry?.asid === asid && entry.vpn === vpn);
}

/** The index of the lowest value; of several, the lowest index. */
function wayOfLowest(values: number[]): number {
  return values.indexOf(Math.min(...values));
}

function checkedWay(way: number, ways: number): number {
  if (!Number.isInteger(way) || way < 0 || way >= ways) {
    throw new Error(`pick chose way ${way} of ${ways}`);
  }
  return way;
}

/** Sets the entry's MRU bit; if that makes every bit of the set 1, clears all the others. */
function setMruBit(set: TlbSet, used: TlbEntry): void {
  used.mru = true;
  const allOnes = set.every((entry) => entry !== undefined && entry.mru);
  if (!allOnes) return;
  for (const entry of set) {
    if (entry !== undefined && entry !== used) entry.mru = false;
  }
}
