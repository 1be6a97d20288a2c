/**
 * Page ids with Zipf's distribution, the same ones everywhere: of `pages` pages the one of rank k is
 * referenced with a probability proportional to k^-skew, and ranks are given to ids by a random permutation.
 *
 * Sampled by A. J. Walker's alias method (ACM TOMS 3(3), 1977; M. D. Vose's construction, 1991), with random
 * numbers from D. Blackman's and S. Vigna's xoshiro128**.
 */

export interface ZipfOptions {
  references: number;
  pages: number;
  skew: number;
  seed: number;
}

export function zipfIds({ references, pages, skew, seed }: ZipfOptions): Uint32Array {
  const random = xoshiro128(seed);
  const below = (bound: number) => Math.floor((random() / 2 ** 32) * bound);
  const { share, alias } = aliasTable(Float64Array.from({ length: pages }, (_, rank) => (rank + 1) ** -skew));
  const idOf = permutation(pages, below);
  const ids = new Uint32Array(references);
  for (let index = 0; index < references; index++) {
    const column = below(pages);
    const rank = random() / 2 ** 32 < (share[column] as number) ? column : (alias[column] as number);
    ids[index] = idOf[rank] as number;
  }
  return ids;
}

// --- internal ---

/** Each column keeps its `share` of itself and gives the rest to its alias. */
function aliasTable(weights: Float64Array): { share: Float64Array; alias: Uint32Array } {
  const count = weights.length;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const share = weights.map((weight) => (weight * count) / total);
  const alias = new Uint32Array(count);
  const small: number[] = [];
  const large: number[] = [];
  for (let column = 0; column < count; column++) ((share[column] as number) < 1 ? small : large).push(column);
  while (small.length > 0 && large.length > 0) {
    const poor = small.pop() as number;
    const rich = large.pop() as number;
    alias[poor] = rich;
    const left = (share[rich] as number) + (share[poor] as number) - 1;
    share[rich] = left;
    (left < 1 ? small : large).push(rich);
  }
  for (const column of [...small, ...large]) share[column] = 1;
  return { share, alias };
}

function permutation(count: number, below: (bound: number) => number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let index = count - 1; index > 0; index--) {
    const other = below(index + 1);
    const kept = order[index] as number;
    order[index] = order[other] as number;
    order[other] = kept;
  }
  return order;
}

/** Numbers from 0 to 2^32 - 1; the state is filled by splitmix32. */
function xoshiro128(seed: number): () => number {
  let mix = seed | 0;
  const word = () => {
    mix = (mix + 0x9e3779b9) | 0;
    let z = Math.imul(mix ^ (mix >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return z ^ (z >>> 15);
  };
  let [a, b, c, d] = [word(), word(), word(), word()];
  const rotate = (x: number, by: number) => (x << by) | (x >>> (32 - by));
  return () => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return result;
  };
}
