/*
 * SHARDS, as its paper tells it.
 *
 * Why: C. A. Waldspurger, N. Park, A. Garthwaite, I. Ahmad, "Efficient MRC construction with
 * SHARDS", FAST 2015, with fixed rate, fixed size and SHARDS-adj. A distance here is a place in the
 * stack, 1 at the top, so that the pages between are one less; those are scaled.
 */

const HASHES = 2 ** 32;

/** Whether a page is in the sample of a fixed rate. */
export function isSampled(page: number, rate: number, seed: number): boolean {
  return hashOf(page, seed) < Math.max(1, Math.floor(rate * HASHES));
}

export interface ShardsOptions {
  /** The first threshold T: pages with hash < T are sampled, R = T / 2^32. */
  threshold: number;
  /** s_max of the paper. */
  pagesMax: number;
  seed: number;
}

export interface ShardsResult {
  /** Count by scaled distance, Infinity for first references, each R times that in the whole trace. */
  histogram: Map<number, number>;
  rate: number;
  sampledPages: number;
}

export function simulateShards(pages: readonly number[], options: ShardsOptions): ShardsResult {
  const { pagesMax, seed } = options;
  const stack: number[] = [];
  const histogram = new Map<number, number>();
  let threshold = options.threshold;
  for (const page of pages) {
    const hash = hashOf(page, seed);
    if (hash >= threshold) continue;
    if (!stack.includes(page) && stack.length === pagesMax) {
      const last = [...stack, page].sort((a, b) => hashOf(b, seed) - hashOf(a, seed))[0]!;
      for (const [distance, count] of histogram) {
        histogram.set(distance, (count * hashOf(last, seed)) / threshold);
      }
      threshold = hashOf(last, seed);
      if (last === page) continue;
      stack.splice(stack.indexOf(last), 1);
    }
    const place = stack.indexOf(page);
    if (place >= 0) stack.splice(place, 1);
    stack.unshift(page);
    const scaled = place < 0 ? Number.POSITIVE_INFINITY : 1 + place * (HASHES / threshold);
    histogram.set(scaled, (histogram.get(scaled) ?? 0) + 1);
  }
  return { histogram, rate: threshold / HASHES, sampledPages: stack.length };
}

/**
 * The share of references that fault with `frames` frames: what SHARDS-adj adds at distance 1 makes the
 * counts add up to the expected number of sampled references.
 */
export function shardsFaultRatio(
  { histogram, rate }: ShardsResult,
  references: number,
  frames: number,
): number {
  let all = 0;
  let beyond = 0;
  for (const [distance, count] of histogram) {
    all += count;
    if (distance > frames) beyond += count;
  }
  const adjustment = references * rate - all;
  return beyond / (all + adjustment);
}

function hashOf(page: number, seed: number): number {
  return murmurFinalizer(page + Math.imul(seed, 0x9e3779b9));
}

/** fmix32 of A. Appleby's MurmurHash3. */
function murmurFinalizer(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
