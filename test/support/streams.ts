/*
 * Streams of references to test with: what programs do (locality, loops, phases, scans), and what policies
 * and TLBs like least. Each is made from a seed, which belongs in the message of a test that fails.
 */

import type { Kind, Touch } from "../reference/types.ts";
import { Random } from "./random.ts";

export interface Stream {
  /** For messages: `zipf, seed 7`. */
  title: string;
  touches: Touch[];
}

export interface StreamOptions {
  /** References; bursts may make a stream a little longer. */
  length: number;
  /** Distinct pages, at most. */
  pages: number;
}

/** Page numbers in order of reference. */
type Pattern = (random: Random, options: StreamOptions) => number[];

const uniform: Pattern = (random, { length, pages }) => times(length, () => random.below(pages));

/** Page n is about 1 / (n + 1) as likely as page 0. */
const zipf: Pattern = (random, { length, pages }) =>
  times(length, () => Math.floor((pages + 1) ** random.next()) - 1);

const cyclic: Pattern = (_random, { length, pages }) => times(length, (position) => position % pages);

const sequential: Pattern = (_random, { length }) => times(length, (position) => position >> 1);

/** A working set of a fifth of the pages that moves on now and then. */
const phases: Pattern = (random, { length, pages }) => {
  const phaseLength = Math.ceil(length / 7);
  const size = Math.max(2, Math.ceil(pages / 5));
  let start = 0;
  return times(length, (position) => {
    if (position % phaseLength === 0) start = random.below(pages);
    return (start + random.below(size)) % pages;
  });
};

const twoInTurn: Pattern = (_random, { length }) => times(length, (position) => position & 1);

/** A hot set that a long scan passes through again and again. */
const scanOverHotSet: Pattern = (random, { length, pages }) => {
  const hot = Math.max(1, pages >> 2);
  let scanned = 0;
  return times(length, () => {
    if (random.chance(0.5)) return random.below(hot);
    scanned += 1;
    return hot + (scanned % (pages - hot + 1));
  });
};

/** Back and forth over the pages, which LRU likes least after a loop. */
const pendulum: Pattern = (_random, { length, pages }) =>
  times(length, (position) => {
    const at = position % Math.max(1, 2 * pages - 2);
    return at < pages ? at : 2 * pages - 2 - at;
  });

/** What a page number is as an address. */
type Place = (page: number) => { asid: number; vpn: bigint };

const dense: Place = (page) => ({ asid: 0, vpn: BigInt(page) });

interface Dress {
  kinds: readonly Kind[];
  /** Most references in a row to one page; 1 is none. */
  burst: number;
  place: (random: Random) => Place;
}

const LOADS: readonly Kind[] = ["load"];
const MIXED: readonly Kind[] = ["fetch", "fetch", "fetch", "load", "load", "load", "store", "modify"];

const PLAIN: Dress = { kinds: LOADS, burst: 1, place: () => dense };
const DRESSED: Dress = { kinds: MIXED, burst: 4, place: () => dense };

/** The asids at both ends of their range among them; 4095 is none. */
const ASIDS = [0, 1, 2, 77, 4094];
const severalSpaces = (random: Random): Place => {
  const asids = new Map<number, number>();
  return (page) => {
    if (!asids.has(page)) asids.set(page, random.pick(ASIDS));
    return { asid: asids.get(page)!, vpn: BigInt(page >> 1) };
  };
};

const GENERATORS = {
  uniform: [uniform, PLAIN],
  "uniform with writes and bursts": [uniform, DRESSED],
  "zipf with writes and bursts": [zipf, DRESSED],
  "loop slightly larger than memory": [cyclic, { ...PLAIN, kinds: MIXED }],
  sequential: [sequential, DRESSED],
  phases: [phases, DRESSED],
  "two pages in turn": [twoInTurn, DRESSED],
  "scan over a hot set": [scanOverHotSet, DRESSED],
  pendulum: [pendulum, DRESSED],
  "several address spaces": [zipf, { ...DRESSED, place: severalSpaces }],
  "addresses far apart": [zipf, { ...DRESSED, place: (random: Random) => farApart(random, [9, 9, 9, 9]) }],
} satisfies Record<string, [Pattern, Dress]>;

export type StreamName = keyof typeof GENERATORS;
export const STREAM_NAMES = Object.keys(GENERATORS) as StreamName[];

export function makeStream(name: StreamName, seed: number, options: StreamOptions): Stream {
  const random = new Random(seed);
  const [pattern, dress] = GENERATORS[name];
  return { title: `${name}, seed ${seed}`, touches: dressed(pattern(random, options), dress, random) };
}

export interface MachineStreamOptions extends StreamOptions {
  /** Index bits of the page table's levels, root first: where the addresses must fit. */
  levelBits: readonly number[];
  /** Whether addresses may also be in the sign-extended upper half. */
  signExtended?: boolean;
}

/** Mixed kinds, bursts and address spaces over addresses that share tables now more, now less. */
export function makeMachineStream(seed: number, options: MachineStreamOptions): Stream {
  const random = new Random(seed);
  const pattern = random.pick([uniform, zipf, phases, scanOverHotSet, cyclic]);
  const asids = random.pick([[0], [0, 1], ASIDS]);
  const upper = options.signExtended ? 0.3 : 0;
  const place = (): Place => {
    const vpnOf = farApart(random, options.levelBits, upper);
    const asidOf = new Map<number, number>();
    return (page) => {
      if (!asidOf.has(page)) asidOf.set(page, random.pick(asids));
      return { asid: asidOf.get(page)!, vpn: vpnOf(page).vpn };
    };
  };
  const kinds = random.pick([LOADS, MIXED, MIXED]);
  const touches = dressed(pattern(random, options), { kinds, burst: 3, place }, random);
  return { title: `machine stream, seed ${seed}`, touches };
}

/** The addresses of all pages fall into one set of any TLB with up to `sets` sets. */
export function makeOneSetStream(seed: number, options: StreamOptions, sets: number): Stream {
  const random = new Random(seed);
  const place: Place = (page) => ({ asid: 0, vpn: BigInt(page) * BigInt(sets) + 3n });
  const touches = dressed(zipf(random, options), { ...DRESSED, place: () => place }, random);
  return { title: `one set of ${sets}, seed ${seed}`, touches };
}

/** One page referenced `length` times in a row, between others: runs that must be split. */
export function makeLongRun(length: number): Stream {
  const others = times(6, (page) => touchOf(dense(page), "store"));
  const long = times(length, () => touchOf(dense(3), "load"));
  return { title: `${length} references in a row`, touches: [...others, ...long, ...others] };
}

/**
 * Puts each page at a vpn whose indexes come from a few values, so that paths through the tables are
 * shared.
 */
function farApart(random: Random, levelBits: readonly number[], upperHalf = 0): Place {
  const vpns = new Map<number, bigint>();
  const all = levelBits.reduce((sum, bits) => sum + bits, 0);
  return (page) => {
    if (!vpns.has(page)) {
      let vpn = 0n;
      for (const [depth, bits] of levelBits.entries()) {
        const isLeaf = depth === levelBits.length - 1;
        const last = 2 ** bits - 1;
        const index = isLeaf ? random.below(last + 1) : random.pick([0, 1, 2, last >> 1]);
        vpn = (vpn << BigInt(bits)) | BigInt(Math.min(index, last));
      }
      const top = 1n << BigInt(all - 1);
      if (upperHalf > 0) vpn = random.chance(upperHalf) ? vpn | ((1n << 52n) - top) : vpn % top;
      vpns.set(page, vpn);
    }
    return { asid: 0, vpn: vpns.get(page)! };
  };
}

function dressed(pages: readonly number[], dress: Dress, random: Random): Touch[] {
  const place = dress.place(random);
  return pages.flatMap((page) => {
    const touch = touchOf(place(page), random.pick(dress.kinds));
    const references = dress.burst > 1 && random.chance(0.3) ? random.between(1, dress.burst) : 1;
    return Array.from({ length: references }, () => touch);
  });
}

function touchOf(place: { asid: number; vpn: bigint }, kind: Kind): Touch {
  return { ...place, kind };
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
