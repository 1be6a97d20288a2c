/**
 * A loop over its pages, in order, for ever: the case in which LRU with too little memory never hits. With
 * `body` it is a blocked one: so many rounds over the first pages, then over the next, and so on around.
 */

import { parameter } from "../core/policy";
import { Pattern } from "./pattern";
import { registerPattern } from "./registry";

@unmanaged
@final
class Loop extends Pattern {
  private pages: u32;
  private body: u32;
  private rounds: u32;
  /** The first page of the present body, the page in it, and the rounds that are done. */
  private first: u32;
  private page: u32;
  private done: u32;

  about(): string {
    return `{
      "name": "loop",
      "summary": "The same pages in the same order again and again, all of them or block by block",
      "source": "nested loops over arrays",
      "parameters": [
        { "name": "pages", "type": "integer", "default": 1000, "min": 1,
          "summary": "pages in all" },
        { "name": "body", "type": "integer", "default": "all", "min": 1, "most": "pages", "choices": ["all"],
          "summary": "pages of a block, which is looped over before the next" },
        { "name": "rounds", "type": "integer", "default": 10, "min": 1,
          "summary": "how often a block is looped over" }
      ]
    }`;
  }

  init(): void {
    this.pages = <u32>parameter(0);
    const body = parameter(1);
    this.body = body < 0 ? this.pages : <u32>body;
    this.rounds = <u32>parameter(2);
  }

  fill(into: usize, count: u32): void {
    const pages = this.pages;
    let first = this.first;
    let page = this.page;
    let left = min(this.body, pages - first);
    for (let index: u32 = 0; index < count; index++) {
      store<u32>(into + ((<usize>index) << 2), first + page);
      if (++page < left) continue;
      page = 0;
      if (++this.done < this.rounds) continue;
      this.done = 0;
      first = left == pages - first ? 0 : first + left;
      left = min(this.body, pages - first);
    }
    this.first = first;
    this.page = page;
  }
}

registerPattern<Loop>();
