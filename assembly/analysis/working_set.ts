/**
 * The working set W(t, tau), the pages of the last tau references up to the t-th: its mean size and its
 * missing-page rate for every tau, from one pass that counts the intervals between references to a page.
 *
 * A reference keeps its page in the working set for tau references, or until the page's next reference, or
 * until the trace of K references ends. Hence, exactly,
 *
 *     K * mean size(tau) = sum of min(x, tau) over all intervals x
 *     faults(tau)        = cold misses + intervals > tau that end with a reference
 *
 * where a page's last reference has an interval too, which the end of the trace cuts off: x = K + 1 - its
 * number. Without those the mean would be too small; in a missing-page rate they do not count. In an endless
 * trace the slope of the mean size is the missing-page rate.
 *
 * Intervals are in logarithmic buckets, which keep count and sum, so that both are exact at every tau that is
 * the last value of a bucket: at all below 256 and at steps of less than 1 % from there on. Memory: 8 bytes
 * a page and 232 KiB.
 *
 * P. J. Denning, S. C. Schwartz, Properties of the working-set model, Communications of the ACM 15(3), 1972;
 * the end of the trace after D. R. Slutz, I. L. Traiger, A note on the calculation of average working set
 * size, Communications of the ACM 17(10), 1974.
 */

import { attrsAt, idsAt, REFERENCES_SHIFT } from "../core/runs";
import { reserve, reserveArray } from "../layout";
import { LOG_BUCKETS, LogBuckets } from "../lib/log_buckets";

/** What a bucket holds: u64 intervals, their sum, intervals cut off by the end, their sum. */
const BUCKET_SHIFT: usize = 5;
const ENDED_OFFSET: usize = 16;

/** Per page: the number of its last reference, from 1 on, 0 for none. */
let lastReferences: usize = 0;
let buckets: usize = 0;
let references: u64 = 0;
/** One more than the highest page so far. */
let pagesEnd: u32 = 0;
let coldMisses: u64 = 0;

export function initWorkingSet(pages: u32): void {
  lastReferences = reserveArray<u64>(pages);
  buckets = reserve((<u64>LOG_BUCKETS) << BUCKET_SHIFT);
}

/** Counts the intervals of the first `count` runs, by their page ids. */
export function countIntervals(count: u32): void {
  const ids = idsAt();
  const attrs = attrsAt();
  const last = lastReferences;
  const into = buckets;
  let position = references;
  let repeats: u64 = 0;
  for (let run: u32 = 0; run < count; run++) {
    const page = load<u32>(ids + ((<usize>run) << 2));
    const more = <u32>load<u16>(attrs + ((<usize>run) << 1)) >> REFERENCES_SHIFT;
    const at = last + ((<usize>page) << 3);
    const before = load<u64>(at);
    position++;
    if (before != 0) {
      addInterval(into, position - before);
    } else {
      coldMisses++;
      pagesEnd = max(pagesEnd, page + 1);
    }
    position += more;
    repeats += more;
    store<u64>(at, position);
  }
  references = position;
  const ones = into + (1 << BUCKET_SHIFT);
  store<u64>(ones, load<u64>(ones) + repeats);
  store<u64>(ones, load<u64>(ones, 8) + repeats, 8);
}

/** Counts the intervals that end where the trace has come to, in place of those counted before. */
export function countEndedIntervals(): void {
  for (let bucket: u32 = 0; bucket < LOG_BUCKETS; bucket++) {
    memory.fill(buckets + ((<usize>bucket) << BUCKET_SHIFT) + ENDED_OFFSET, 0, 16);
  }
  for (let page: u32 = 0; page < pagesEnd; page++) {
    const before = load<u64>(lastReferences + ((<usize>page) << 3));
    if (before != 0) addInterval(buckets + ENDED_OFFSET, references + 1 - before);
  }
}

function addInterval(into: usize, interval: u64): void {
  const at = into + ((<usize>LogBuckets.of(interval)) << BUCKET_SHIFT);
  store<u64>(at, load<u64>(at) + 1);
  store<u64>(at, load<u64>(at, 8) + interval, 8);
}

/** References so far: the K of the formulas. */
export function intervalReferences(): f64 {
  return <f64>references;
}

/** References so far to a page that had not been referenced before. */
export function intervalColdMisses(): f64 {
  return <f64>coldMisses;
}

/** The buckets, `bucketCount()` of them, of four u64 each: intervals, sum, intervals ended, sum. */
export function intervalsAt(): usize {
  return buckets;
}
