/** A scan: one page after the other, and from the start again after the last. */

import { parameter } from "../core/policy";
import { Pattern } from "./pattern";
import { registerPattern } from "./registry";

@unmanaged
@final
class Sequential extends Pattern {
  private pages: u32;
  private page: u32;

  about(): string {
    return `{
      "name": "sequential",
      "summary": "One page after the other, and from the start again after the last",
      "source": "scans of arrays and files",
      "parameters": [
        { "name": "pages", "type": "integer", "default": 1000000, "min": 1,
          "summary": "pages that are scanned" }
      ]
    }`;
  }

  init(): void {
    this.pages = <u32>parameter(0);
  }

  fill(into: usize, count: u32): void {
    const pages = this.pages;
    let page = this.page;
    for (let index: u32 = 0; index < count; index++) {
      store<u32>(into + ((<usize>index) << 2), page);
      page = page + 1 == pages ? 0 : page + 1;
    }
    this.page = page;
  }
}

registerPattern<Sequential>();
