/**
 * PCG-XSH-RR 64/32: a small, fast, seeded generator with independent streams.
 * M. E. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for Random
 * Number Generation", HMC-CS-2014-0905, 2014; the reference is pcg32 of pcg-c-basic.
 */

const MULTIPLIER: u64 = 6364136223846793005;

@unmanaged
@final
export class Rng {
  private state: u64;
  private increment: u64;

  seed(seed: u64, stream: u64): void {
    this.state = 0;
    this.increment = (stream << 1) | 1;
    this.next();
    this.state += seed;
    this.next();
  }

  next(): u32 {
    const old = this.state;
    this.state = old * MULTIPLIER + this.increment;
    const shifted = <u32>(((old >> 18) ^ old) >> 27);
    return rotr<u32>(shifted, <u32>(old >> 59));
  }

  /** A number below `bound`, by multiplication: biased by less than bound / 2^32. */
  below(bound: u32): u32 {
    return <u32>((<u64>this.next() * bound) >> 32);
  }

  /**
   * A number below `bound`, all of them equally likely (D. Lemire, Fast random integer generation in an
   * interval, ACM Transactions on Modeling and Computer Simulation 29(1), 2019).
   */
  evenlyBelow(bound: u32): u32 {
    let product = <u64>this.next() * bound;
    if (<u32>product < bound) {
      const unfair: u32 = (0 - bound) % bound;
      while (<u32>product < unfair) product = <u64>this.next() * bound;
    }
    return <u32>(product >> 32);
  }

  /** At least 0 and below 1, in steps of 2^-52. */
  fraction(): f64 {
    const high = (<u64>this.next()) << 20;
    return <f64>(high | (this.next() >> 12)) / 4503599627370496.0;
  }
}

let seedValue: u64 = 1;

/** The seed that every generator of the run starts from. */
export function setSeed(low: u32, high: u32): void {
  seedValue = ((<u64>high) << 32) | low;
}

/** A generator placed at `at` (16 bytes), on a stream of its own. */
export function rngAt(at: usize, stream: u64): Rng {
  const rng = changetype<Rng>(at);
  rng.seed(seedValue, stream);
  return rng;
}
