/**
 * Interning: gives every page of the run buffer its dense id, by first touch, through the page table.
 */

import { newPage } from "../core/frames";
import { find, map, NO_PAGE } from "../core/page_table";
import { attrsAt, idsAt, NO_TAG, REFERENCES_SHIFT, tagsAt } from "../core/runs";
import { stats } from "../core/stats";

/**
 * Writes the ids of the first `count` runs and counts their references; returns how many, fewer when memory
 * has run out.
 */
export function internRuns(count: u32): u32 {
  const tags = tagsAt();
  const attrs = attrsAt();
  const ids = idsAt();
  let references: u64 = 0;
  for (let run: u32 = 0; run < count; run++) {
    const page = intern(load<u64>(tags + ((<usize>run) << 3)));
    if (page == NO_PAGE) return run;
    store<u32>(ids + ((<usize>run) << 2), page);
    references += (<u32>load<u16>(attrs + ((<usize>run) << 1)) >> REFERENCES_SHIFT) + 1;
  }
  stats.references += references;
  return count;
}

let lastTag: u64 = NO_TAG;
let lastPage: u32 = 0;

function intern(tag: u64): u32 {
  if (tag == lastTag) return lastPage;
  let page = find(tag);
  if (page == NO_PAGE) {
    page = newPage();
    if (page == NO_PAGE || !map(tag, page)) return NO_PAGE;
  }
  lastTag = tag;
  lastPage = page;
  return page;
}
