/**
 * Phases: for some time only the pages of one working set are referenced, then only those of another
 * (P. J. Denning, K. C. Kahn, A study of program locality and lifetime functions, SOSP 1975). Working sets
 * are scattered over all pages; each takes up where the last ended in a random order of the pages, or before
 * its end, to have pages in common with it.
 */

import { parameter } from "../core/policy";
import { Scramble } from "../lib/scramble";
import { Zipf } from "../lib/zipf";
import { Pattern, partOf } from "./pattern";
import { registerPattern } from "./registry";

@unmanaged
@final
class Phases extends Pattern {
  private pages: u32;
  private workingSet: u32;
  private length: u64;
  /** Pages by which a working set differs from the one before. */
  private step: u32;
  private isUniform: bool;
  private ranks: Zipf;
  private scramble: Scramble;
  /** Where the working set begins in the order of the pages, and references until the next phase. */
  private start: u32;
  private left: u64;

  about(): string {
    return `{
      "name": "phases",
      "summary": "Some time in one working set of pages, then in another",
      "source": "P. J. Denning, K. C. Kahn, A study of program locality and lifetime functions, SOSP 1975",
      "parameters": [
        { "name": "pages", "type": "integer", "default": 100000, "min": 1,
          "summary": "pages in all" },
        { "name": "working-set", "type": "integer", "default": 2000, "min": 1, "most": "pages",
          "summary": "pages of a phase" },
        { "name": "length", "type": "integer", "default": 1000000, "min": 1, "max": 9007199254740991,
          "summary": "references of a phase" },
        { "name": "overlap", "type": "share", "default": "0%", "min": 0, "max": 100,
          "summary": "part of a working set that is in the next one too" },
        { "name": "alpha", "type": "number", "default": 0, "min": 0, "max": 20,
          "summary": "exponent of Zipf's law within a phase; 0 makes its pages equally likely" }
      ]
    }`;
  }

  init(): void {
    this.pages = <u32>parameter(0);
    this.workingSet = <u32>parameter(1);
    this.length = <u64>parameter(2);
    this.step = <u32>Math.ceil(<f64>this.workingSet * (1 - parameter(3)));
    this.isUniform = parameter(4) == 0;
    this.ranks = changetype<Zipf>(partOf(offsetof<Zipf>()));
    this.ranks.init(this.workingSet, parameter(4));
    this.scramble = changetype<Scramble>(partOf(offsetof<Scramble>()));
    this.scramble.init(this.pages, this.rng);
    this.left = this.length;
  }

  fill(into: usize, count: u32): void {
    const rng = this.rng;
    const ranks = this.ranks;
    const scramble = this.scramble;
    const isUniform = this.isUniform;
    const workingSet = this.workingSet;
    for (let index: u32 = 0; index < count; index++) {
      if (this.left == 0) {
        this.start = <u32>((<u64>this.start + this.step) % this.pages);
        this.left = this.length;
      }
      this.left--;
      const place = <u64>this.start + (isUniform ? rng.evenlyBelow(workingSet) : ranks.draw(rng));
      const page = place < this.pages ? place : place - this.pages;
      store<u32>(into + ((<usize>index) << 2), scramble.at(<u32>page));
    }
  }
}

registerPattern<Phases>();
