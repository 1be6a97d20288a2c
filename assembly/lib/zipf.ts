/**
 * Zipf's law over any number of ranks, for any exponent from 0 on, in a few words of memory: rank k, from 1
 * on, has a probability proportional to k^-alpha.
 *
 * Rejection-inversion: the area under x^-alpha, of which the rank is a rounded point, is inverted exactly,
 * and what rounding adds to a rank is rejected. W. Hörmann, G. Derflinger, Rejection-inversion to generate
 * variates from monotone discrete distributions, ACM Transactions on Modeling and Computer Simulation 6(3),
 * 1996; with the area written so that it is exact near alpha = 1, as in Apache Commons RNG.
 */

import { Rng } from "./rng";

@unmanaged
@final
export class Zipf {
  private ranks: f64;
  private alpha: f64;
  private areaFirst: f64;
  private areaEnd: f64;
  /** Rounding up by no more than this is never rejected. */
  private alwaysTaken: f64;

  init(ranks: u32, alpha: f64): void {
    this.ranks = ranks;
    this.alpha = alpha;
    this.areaFirst = this.area(1.5) - 1;
    this.areaEnd = this.area(<f64>ranks + 0.5);
    this.alwaysTaken = 2 - this.inverse(this.area(2.5) - this.height(2));
  }

  /** A rank, from 0 on. */
  draw(rng: Rng): u32 {
    const end = this.areaEnd;
    const width = this.areaFirst - end;
    while (true) {
      const area = end + rng.fraction() * width;
      const point = this.inverse(area);
      const rank = min(max(Math.floor(point + 0.5), 1), this.ranks);
      if (rank - point <= this.alwaysTaken || area >= this.area(rank + 0.5) - this.height(rank)) {
        return <u32>rank - 1;
      }
    }
  }

  private height(x: f64): f64 {
    return Math.exp(-this.alpha * Math.log(x));
  }

  /** The integral of x^-alpha from 1 to x. */
  private area(x: f64): f64 {
    const log = Math.log(x);
    const t = (1 - this.alpha) * log;
    return (Math.abs(t) > 1e-8 ? Math.expm1(t) / t : 1 + t * 0.5 * (1 + t / 3)) * log;
  }

  private inverse(area: f64): f64 {
    const t = max(area * (1 - this.alpha), -1);
    const share = Math.abs(t) > 1e-8 ? Math.log1p(t) / t : 1 - t * (0.5 - t / 3);
    return Math.exp(share * area);
  }
}
