/**
 * The backward pass for OPT: with the trace's runs given from the last to the first, block by block, writes
 * for every run the number of the next run on the same page. Memory: 8 bytes a page.
 *
 * L. A. Belady, 1966; R. L. Mattson et al., 1970, section "Optimal replacement algorithm".
 */

import { NEVER } from "../core/policy";
import { futuresAt, idsAt } from "../core/runs";
import { reserveArray } from "../layout";

/** Per page: the number + 1 of the earliest run seen so far, 0 for none. */
let nextRun: usize = 0;

export function initNextUse(pages: u32): void {
  nextRun = reserveArray<u64>(pages);
}

/**
 * Fills the column of next uses for `count` interned runs whose first is run number `position` of the trace.
 */
export function computeNextUse(count: u32, position: f64): void {
  const ids = idsAt();
  const futures = futuresAt();
  const start = <u64>position + 1;
  for (let run = count; run > 0; ) {
    run--;
    const at = nextRun + ((<usize>load<u32>(ids + ((<usize>run) << 2))) << 3);
    const next = load<u64>(at);
    store<u64>(futures + ((<usize>run) << 3), next == 0 ? NEVER : next - 1);
    store<u64>(at, start + run);
  }
}
