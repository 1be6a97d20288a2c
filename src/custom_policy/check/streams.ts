/**
 * Streams of references for checking policies: what programs do (locality, loops, phases, scans) and what
 * policies like least. Each is made from a seed, and the same every time.
 */

/** A page is a dense id, in order of first touch; kinds are numbered as in assembly/core/runs.ts. */
export interface Reference {
  page: number;
  kind: number;
}

export interface Stream {
  /** For messages. */
  title: string;
  references: Reference[];
  /** Distinct pages. */
  pages: number;
}

type Random = () => number;
/** Page numbers in order of reference. */
type Pattern = (random: Random, length: number, pages: number) => number[];

const uniform: Pattern = (random, length, pages) => times(length, () => below(random, pages));

/** Page n is about 1 / (n + 1) as likely as page 0. */
const zipf: Pattern = (random, length, pages) => times(length, () => Math.floor((pages + 1) ** random()) - 1);

const loop: Pattern = (_random, length, pages) => times(length, (position) => position % pages);

const onceOrTwice: Pattern = (_random, length) => times(length, (position) => position >> 1);

/** A fifth of the pages at a time. */
const phases: Pattern = (random, length, pages) => {
  const size = Math.max(2, Math.ceil(pages / 5));
  let start = 0;
  return times(length, (position) => {
    if (position % Math.ceil(length / 7) === 0) start = below(random, pages);
    return (start + below(random, size)) % pages;
  });
};

/** A hot set that a long scan passes through again and again. */
const scan: Pattern = (random, length, pages) => {
  const hot = Math.max(1, pages >> 2);
  let scanned = 0;
  return times(length, () => (random() < 0.5 ? below(random, hot) : hot + (++scanned % (pages - hot + 1))));
};

const pendulum: Pattern = (_random, length, pages) =>
  times(length, (position) => {
    const at = position % Math.max(1, 2 * pages - 2);
    return at < pages ? at : 2 * pages - 2 - at;
  });

const PATTERNS: Record<string, Pattern> = { uniform, zipf, loop, onceOrTwice, phases, scan, pendulum };
const TITLES: Record<string, string> = { onceOrTwice: "every page twice, then never again" };

/** Kinds as often as they stand here. */
const KINDS = [0, 0, 0, 1, 1, 1, 2, 3];
const BURST_SHARE = 0.3;
const BURST_MAX = 4;

/** One stream of each pattern, over a few pages more than there are frames; bursts make them longer. */
export function streamsFor(frames: number, length: number): Stream[] {
  return Object.entries(PATTERNS).map(([name, pattern], index) => {
    const random = randomNumbers(1000 * frames + index);
    const pages = pattern(random, length, frames + 1 + 3 * (index % 3));
    return streamOf(TITLES[name] ?? name, bursts(pages, random));
  });
}

/** One reference, and nothing else. */
export function singleReference(): Stream {
  return streamOf("a single reference", [{ page: 0, kind: 1 }]);
}

function bursts(pages: number[], random: Random): Reference[] {
  return pages.flatMap((page) => {
    const kind = KINDS[below(random, KINDS.length)] ?? 0;
    const length = random() < BURST_SHARE ? 1 + below(random, BURST_MAX) : 1;
    return times(length, () => ({ page, kind }));
  });
}

/** Gives pages their ids. */
function streamOf(title: string, references: Reference[]): Stream {
  const ids = new Map<number, number>();
  const dense = references.map(({ page, kind }) => {
    if (!ids.has(page)) ids.set(page, ids.size);
    return { page: ids.get(page) ?? 0, kind };
  });
  return { title, references: dense, pages: ids.size };
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

function below(random: Random, bound: number): number {
  return Math.floor(random() * bound);
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomNumbers(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
