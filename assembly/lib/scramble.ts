/**
 * A permutation of the numbers below any bound that looks random and needs no table: rounds of multiply and
 * xorshift, each of which is a bijection of numbers of so many bits, walked along until the result is below
 * the bound again (J. Black, P. Rogaway, Ciphers with arbitrary finite domains, CT-RSA 2002).
 */

import { Rng } from "./rng";

@unmanaged
@final
export class Scramble {
  private bound: u32;
  private mask: u32;
  private shift: u32;
  private factor1: u32;
  private factor2: u32;
  private factor3: u32;
  private addend: u32;

  init(bound: u32, rng: Rng): void {
    const bits = bound < 2 ? 0 : 32 - clz(bound - 1);
    this.bound = bound;
    this.mask = <u32>(((<u64>1) << bits) - 1);
    this.shift = (bits + 1) >> 1;
    this.factor1 = rng.next() | 1;
    this.factor2 = rng.next() | 1;
    this.factor3 = rng.next() | 1;
    this.addend = rng.next();
  }

  /** Where `number`, which is below the bound, goes. */
  at(number: u32): u32 {
    const mask = this.mask;
    const shift = this.shift;
    let hash = number;
    do {
      hash = ((hash + this.addend) * this.factor1) & mask;
      hash ^= hash >> shift;
      hash = (hash * this.factor2) & mask;
      hash ^= hash >> shift;
      hash = (hash * this.factor3) & mask;
      hash ^= hash >> shift;
    } while (hash >= this.bound);
    return hash;
  }
}
