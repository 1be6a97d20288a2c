/**
 * A list in memory, followed from page to page around a random cycle through all of them: no page comes
 * again before all others have come, and none tells by its place which comes next.
 */

import { parameter } from "../core/policy";
import { Scramble } from "../lib/scramble";
import { Pattern, partOf } from "./pattern";
import { registerPattern } from "./registry";

@unmanaged
@final
class PointerChase extends Pattern {
  private pages: u32;
  private scramble: Scramble;
  private place: u32;

  about(): string {
    return `{
      "name": "pointer-chase",
      "summary": "A random cycle through all pages, followed again and again",
      "source": "L. McVoy, C. Staelin, lmbench: Portable tools for performance analysis, USENIX 1996",
      "parameters": [
        { "name": "pages", "type": "integer", "default": 1000000, "min": 1,
          "summary": "pages of the cycle" }
      ]
    }`;
  }

  init(): void {
    this.pages = <u32>parameter(0);
    this.scramble = changetype<Scramble>(partOf(offsetof<Scramble>()));
    this.scramble.init(this.pages, this.rng);
  }

  fill(into: usize, count: u32): void {
    const pages = this.pages;
    const scramble = this.scramble;
    let place = this.place;
    for (let index: u32 = 0; index < count; index++) {
      store<u32>(into + ((<usize>index) << 2), scramble.at(place));
      place = place + 1 == pages ? 0 : place + 1;
    }
    this.place = place;
  }
}

registerPattern<PointerChase>();
