/*
 * Seeded randomness: one generator for the tests' own choices, and the engine's, written anew.
 *
 * `Random` is mulberry32 by Tommy Ettinger (public domain), small and fast. `Pcg32` is PCG-XSH-RR 64/32 as
 * in M. E. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for Random
 * Number Generation", HMC-CS-2014-0905, 2014, so that a slow model and the engine can draw the same
 * numbers.
 */

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** At least 0, below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let bits = this.#state;
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, at least 0 and below `bound`. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** A whole number from `low` to `high`. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

const MASK_32 = (1n << 32n) - 1n;
const MASK_64 = (1n << 64n) - 1n;
const MULTIPLIER = 6364136223846793005n;

export class Pcg32 {
  #state = 0n;
  readonly #increment: bigint;

  /** pcg32_srandom_r of the paper's library: `stream` is its initseq. */
  constructor(seed: bigint, stream: bigint) {
    this.#increment = ((stream << 1n) | 1n) & MASK_64;
    this.next();
    this.#state = (this.#state + seed) & MASK_64;
    this.next();
  }

  /** 32 random bits. */
  next(): number {
    const old = this.#state;
    this.#state = (old * MULTIPLIER + this.#increment) & MASK_64;
    const shifted = (((old >> 18n) ^ old) >> 27n) & MASK_32;
    const rotation = old >> 59n;
    return Number(((shifted >> rotation) | (shifted << (32n - rotation))) & MASK_32);
  }

  /** A whole number, at least 0 and below `bound`, as the engine scales it: floor(next * bound / 2^32). */
  below(bound: number): number {
    return Number((BigInt(this.next()) * BigInt(bound)) >> 32n);
  }
}

/**
 * The engine's stream number `stream` of a run with `seed`: 0 is the policy's, i + 1 that of TLB number i.
 */
export function engineDraws(seed: number, stream: number): (bound: number) => number {
  const generator = new Pcg32(BigInt(seed), BigInt(stream));
  return (bound) => generator.below(bound);
}
