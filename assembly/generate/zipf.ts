/**
 * Zipf's law: the k-th most popular page has a probability proportional to k^-alpha, each reference
 * independent of the others (the independent reference model). Popular pages lie scattered, as they do in
 * memory, unless `order=ranked` puts the k-th at page k - 1.
 */

import { parameter } from "../core/policy";
import { Scramble } from "../lib/scramble";
import { Zipf as Ranks } from "../lib/zipf";
import { Pattern, partOf } from "./pattern";
import { registerPattern } from "./registry";

const SCATTERED: u32 = 0;

@unmanaged
@final
class Zipf extends Pattern {
  private ranks: Ranks;
  private scramble: Scramble;
  private isScattered: bool;

  about(): string {
    return `{
      "name": "zipf",
      "summary": "The k-th most popular page has a probability proportional to k^-alpha, independently",
      "source": "L. Breslau, P. Cao, L. Fan, G. Phillips, S. Shenker, Web caching and Zipf-like distributions, INFOCOM 1999",
      "parameters": [
        { "name": "pages", "type": "integer", "default": 1000000, "min": 1,
          "summary": "pages to choose from" },
        { "name": "alpha", "type": "number", "default": 1, "min": 0, "max": 20,
          "summary": "the exponent: 0 makes all pages equally likely" },
        { "name": "order", "type": "choice", "default": "scattered", "choices": ["scattered", "ranked"],
          "summary": "whether popular pages lie anywhere, or the most popular first" }
      ]
    }`;
  }

  init(): void {
    const pages = <u32>parameter(0);
    this.ranks = changetype<Ranks>(partOf(offsetof<Ranks>()));
    this.ranks.init(pages, parameter(1));
    this.isScattered = <u32>parameter(2) == SCATTERED;
    this.scramble = changetype<Scramble>(partOf(offsetof<Scramble>()));
    this.scramble.init(pages, this.rng);
  }

  fill(into: usize, count: u32): void {
    const ranks = this.ranks;
    const rng = this.rng;
    for (let index: u32 = 0; index < count; index++) {
      store<u32>(into + ((<usize>index) << 2), ranks.draw(rng));
    }
    if (!this.isScattered) return;
    const scramble = this.scramble;
    for (let index: u32 = 0; index < count; index++) {
      const at = into + ((<usize>index) << 2);
      store<u32>(at, scramble.at(load<u32>(at)));
    }
  }
}

registerPattern<Zipf>();
