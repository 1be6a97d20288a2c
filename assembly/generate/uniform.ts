/** All pages equally likely, each reference independent of all others. */

import { parameter } from "../core/policy";
import { Pattern } from "./pattern";
import { registerPattern } from "./registry";

@unmanaged
@final
class Uniform extends Pattern {
  private pages: u32;

  about(): string {
    return `{
      "name": "uniform",
      "summary": "All pages equally likely, each reference independent of the others",
      "source": "hash tables under a uniform load",
      "parameters": [
        { "name": "pages", "type": "integer", "default": 1000000, "min": 1,
          "summary": "pages to choose from" }
      ]
    }`;
  }

  init(): void {
    this.pages = <u32>parameter(0);
  }

  fill(into: usize, count: u32): void {
    const pages = this.pages;
    const rng = this.rng;
    for (let index: u32 = 0; index < count; index++) {
      store<u32>(into + ((<usize>index) << 2), rng.evenlyBelow(pages));
    }
  }
}

registerPattern<Uniform>();
