/**
 * Pages at equal distances, as a matrix stored by rows is read by columns: 0, s, 2s, ... up to the end, then
 * 1, 1 + s, ..., so that every page comes once before any comes again.
 */

import { parameter } from "../core/policy";
import { Pattern } from "./pattern";
import { registerPattern } from "./registry";

@unmanaged
@final
class Strided extends Pattern {
  private pages: u32;
  private stride: u32;
  private page: u32;
  /** The page that this sweep began with. */
  private column: u32;

  about(): string {
    return `{
      "name": "strided",
      "summary": "Pages at equal distances, then those next to them: a matrix of rows read by columns",
      "source": "column-wise loops over matrices",
      "parameters": [
        { "name": "pages", "type": "integer", "default": 1000000, "min": 1,
          "summary": "pages that are swept; each comes once before any comes again" },
        { "name": "stride", "type": "integer", "default": 16, "min": 1, "most": "pages",
          "summary": "pages from one reference to the next" }
      ]
    }`;
  }

  init(): void {
    this.pages = <u32>parameter(0);
    this.stride = <u32>parameter(1);
  }

  fill(into: usize, count: u32): void {
    const pages = this.pages;
    const stride = this.stride;
    let page = this.page;
    let column = this.column;
    for (let index: u32 = 0; index < count; index++) {
      store<u32>(into + ((<usize>index) << 2), page);
      if (page < pages - stride) {
        page += stride;
      } else {
        column = column + 1 == stride ? 0 : column + 1;
        page = column;
      }
    }
    this.page = page;
    this.column = column;
  }
}

registerPattern<Strided>();
