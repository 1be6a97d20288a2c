/**
 * Zipf's law over any number of ranks, for any exponent from 0 on, in a few words of memory: rank k, from 1
 * on, has a probability proportional to k^-alpha.
 *
 * Rejection-inversion: the area under x^-alpha, of which the rank is a rounded point, is inverted exactly,
 * and what rounding adds to a rank is rejected; how much that can be falls with the rank. The area is written
 * so that it is exact near alpha = 1, as in Apache Commons RNG.
 *
 * W. Hörmann, G. Derflinger, Rejection-inversion to generate variates from monotone discrete distributions,
 * ACM Transactions on Modeling and Computer Simulation 6(3), 1996.
 */

import { reserveArray } from "../layout";
import { Rng } from "./rng";

const FAR: f64 = 1024;
const NEAR_ONE: f64 = 0.001;

@unmanaged
@final
export class Zipf {
  private ranks: f64;
  private alpha: f64;
  private areaFirst: f64;
  private areaEnd: f64;
  /** For ranks below FAR the area from which on they are taken, f64[], once it was needed; 0 before. */
  private areasTaken: usize;
  /** Rounding up by no more than this is never rejected from rank FAR on. */
  private alwaysTaken: f64;
  /** 1 - alpha, its inverse, and whether that is of use: not near alpha = 1. */
  private power: f64;
  private inversePower: f64;
  private isPower: bool;

  init(ranks: u32, alpha: f64): void {
    this.ranks = ranks;
    this.alpha = alpha;
    this.power = 1 - alpha;
    this.inversePower = 1 / this.power;
    this.isPower = Math.abs(this.power) > NEAR_ONE;
    this.areaFirst = this.area(1.5) - 1;
    this.areaEnd = this.area(<f64>ranks + 0.5);
    this.areasTaken = reserveArray<f64>(<u32>FAR);
    this.alwaysTaken = FAR - this.inverse(this.area(FAR + 0.5) - this.height(FAR));
  }

  /** A rank, from 0 on. */
  draw(rng: Rng): u32 {
    const end = this.areaEnd;
    const width = this.areaFirst - end;
    while (true) {
      const area = end + rng.fraction() * width;
      const point = this.inverse(area);
      const rank = min(max(Math.floor(point + 0.5), 1), this.ranks);
      if (rank < FAR) {
        const at = this.areasTaken + ((<usize>rank) << 3);
        let taken = load<f64>(at);
        if (taken == 0) {
          taken = this.areaTaken(rank);
          store<f64>(at, taken);
        }
        if (area >= taken) return <u32>rank - 1;
      } else if (rank - point <= this.alwaysTaken || area >= this.areaTaken(rank)) {
        return <u32>rank - 1;
      }
    }
  }

  private areaTaken(rank: f64): f64 {
    return this.area(rank + 0.5) - this.height(rank);
  }

  private height(x: f64): f64 {
    return Math.exp(-this.alpha * Math.log(x));
  }

  /** The integral of x^-alpha from 1 to x. */
  private area(x: f64): f64 {
    const log = Math.log(x);
    const t = this.power * log;
    return (Math.abs(t) > 1e-8 ? Math.expm1(t) / t : 1 + t * 0.5 * (1 + t / 3)) * log;
  }

  private inverse(area: f64): f64 {
    const t = max(area * this.power, -1);
    if (this.isPower) return (1 + t) ** this.inversePower;
    const share = Math.abs(t) > 1e-8 ? Math.log1p(t) / t : 1 - t * (0.5 - t / 3);
    return Math.exp(share * area);
  }
}
