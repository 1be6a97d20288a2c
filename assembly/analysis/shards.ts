/**
 * SHARDS: LRU's faults with every number of frames, estimated from a sample of the pages. A page is in the
 * sample if the hash of its id is below a threshold, hence always or never, and what is left of the trace
 * is a smaller trace of the same kind:
 *
 *     hash(page) < threshold      a share of R = threshold / 2^32 of all pages
 *     its stack distance s        stands for the distance 1 + (s - 1) / R in the whole trace
 *     one sampled reference       stands for 1 / R references
 *
 * The sample holds a limited number of pages. When one more comes, the page with the greatest hash leaves and
 * its hash becomes the threshold: with a great limit the rate is fixed, with a small one the memory is.
 *
 * Departures from the paper, which change no result: where it multiplies all counts by R_new / R_old when the
 * rate falls, each reference is counted as 1 / R at its own rate, which is the same but for a common factor;
 * and its SHARDS-adj, which adds the references that were expected but not sampled at distance 1, is left to
 * the reader of the counts, for it comes to
 *
 *     fault ratio(frames) = weight of cold misses and of distances > frames / true number of references
 *
 * Distances are in logarithmic buckets, below 1 % wide. Ids are given by first touch, so that a hash of the
 * id is as good as one of the address, and four of them are hashed at once.
 *
 * Error: a sampled distance estimates the true d with a relative standard deviation of
 * sqrt((1 - R) / (R * d)), the number of sampled pages among d being binomial, which moves points of the
 * curve to the left or right; and a sample has more or less of the pages that are referenced often, which
 * moves them up or down. For the latter the sample is in 16 groups by hash, whose estimates differ as samples
 * would (the method of random groups: K. M. Wolter, Introduction to Variance Estimation, 2007). The paper
 * reports fault ratios that are off by less than 0.01 on its traces with a sample that fits in 1 MB; short
 * traces with few pages can do worse.
 *
 * C. A. Waldspurger, N. Park, A. Garthwaite, I. Ahmad, Efficient MRC construction with SHARDS, FAST 2015.
 */

import { attrsAt, idsAt, REFERENCES_SHIFT } from "../core/runs";
import { reserve, reserveArray } from "../layout";
import { Hash } from "../lib/hash";
import { Heap } from "../lib/heap";
import { LOG_BUCKETS, LogBuckets } from "../lib/log_buckets";
import { LruStack } from "./lru_stack";

const HASHES: f64 = 4294967296.0;
const GROUPS: u32 = 16;

/** The sampled pages, by their number in the sample: in LRU order, and by hash. */
const STACK = changetype<LruStack>(memory.data(offsetof<LruStack>(), 16));
const BY_HASH = changetype<Heap>(memory.data(offsetof<Heap>(), 16));

/** Per page: its number in the sample + 1, 0 for none. */
let memberOf: usize = 0;
/** Per member: its page. */
let pageOf: usize = 0;
let members: u32 = 0;
let membersMax: u32 = 0;
let salt: u32 = 0;
/** The greatest hash in the sample: the threshold - 1. */
let hashMax: u32 = 0;

/** By group, by bucket of the distance; what is at 0 are cold misses. */
let weights: usize = 0;
let references: u64 = 0;

/** The argument and the result of `LruStack.touch`. */
const TOUCHED: usize = memory.data(8, 8);

/**
 * Reserves the state. `rate` is the share of pages to sample, above 0 and at most 1; `sampleMax` is the most
 * pages to have in the sample, at least 1; each `seed` gives another sample.
 */
export function initShards(pages: u32, rate: f64, sampleMax: u32, seed: u32): void {
  membersMax = min(max<u32>(sampleMax, 1), pages);
  hashMax = <u32>(max(1.0, min(rate, 1.0) * HASHES) - 1.0);
  salt = seed * 0x9e3779b9;
  memberOf = reserveArray<u32>(pages);
  pageOf = reserveArray<u32>(membersMax);
  weights = reserve((<u64>GROUPS * LOG_BUCKETS) << 3);
  STACK.init(membersMax);
  BY_HASH.init(membersMax);
}

/** Takes the sampled ones among the first `count` runs, by their page ids. */
export function sampleRuns(count: u32): void {
  const ids = idsAt();
  references += countReferences(count);
  const whole = count & ~15;
  for (let run: u32 = 0; run < whole; run += 16) {
    const at = ids + ((<usize>run) << 2);
    const limit = i32x4.splat(hashMax);
    const base = i32x4.splat(salt);
    const first = i32x4.le_u(Hash.four(v128.load(at), base), limit);
    const second = i32x4.le_u(Hash.four(v128.load(at, 16), base), limit);
    const third = i32x4.le_u(Hash.four(v128.load(at, 32), base), limit);
    const fourth = i32x4.le_u(Hash.four(v128.load(at, 48), base), limit);
    if (!v128.any_true(v128.or(v128.or(first, second), v128.or(third, fourth)))) continue;
    const low = i16x8.narrow_i32x4_s(first, second);
    const high = i16x8.narrow_i32x4_s(third, fourth);
    sampleMarked(run, <u32>i8x16.bitmask(i8x16.narrow_i16x8_s(low, high)));
  }
  for (let run = whole; run < count; run++) sample(run);
}

/** Takes those of 16 runs from `first` on whose bit is set. */
function sampleMarked(first: u32, marked: u32): void {
  for (let left = marked; left != 0; left &= left - 1) sample(first + <u32>ctz(left));
}

/** Takes a run if its page is sampled: the threshold may have fallen since it was last looked at. */
function sample(run: u32): void {
  const page = load<u32>(idsAt() + ((<usize>run) << 2));
  const hash = Hash.one(page, salt);
  if (hash > hashMax) return;
  let member = load<u32>(memberOf + ((<usize>page) << 2));
  if (member == 0) {
    member = admit(page, hash) + 1;
    if (member == 0) return;
  }
  store<u32>(TOUCHED, member - 1);
  STACK.touch(TOUCHED, 1, TOUCHED + 4);
  const depth = load<u32>(TOUCHED, 4);
  const weight = HASHES / (<f64>hashMax + 1.0);
  const distance = depth == 0 ? 0 : 1 + <u64>ceil<f64>(<f64>(depth - 1) * weight);
  addWeight(hash, distance, weight);
  const repeats = <u32>load<u16>(attrsAt() + ((<usize>run) << 1)) >> REFERENCES_SHIFT;
  if (repeats != 0) addWeight(hash, 1, <f64>repeats * weight);
}

/** Brings a page into the sample, for another one if need be; returns its number, or -1 if it stays out. */
function admit(page: u32, hash: u32): u32 {
  let member = members;
  if (member < membersMax) {
    members++;
  } else {
    member = BY_HASH.top();
    const evicted = load<u32>(pageOf + ((<usize>member) << 2));
    const greatest = Hash.one(evicted, salt);
    hashMax = max(hash, greatest) - 1;
    if (hash > greatest) return u32.MAX_VALUE;
    store<u32>(memberOf + ((<usize>evicted) << 2), 0);
    STACK.remove(member);
  }
  BY_HASH.set(member, hash);
  store<u32>(pageOf + ((<usize>member) << 2), page);
  store<u32>(memberOf + ((<usize>page) << 2), member + 1);
  return member;
}

function addWeight(hash: u32, distance: u64, weight: f64): void {
  const group = hash & (GROUPS - 1);
  const at = weights + ((<usize>(group * LOG_BUCKETS + LogBuckets.of(distance))) << 3);
  store<f64>(at, load<f64>(at) + weight);
}

/** The references of a block of runs, which must have less than a million: sums are of 32 bits. */
function countReferences(count: u32): u64 {
  const attrs = attrsAt();
  let repeats: u64 = 0;
  const whole = count & ~7;
  let sums = i32x4.splat(0);
  for (let run: u32 = 0; run < whole; run += 8) {
    const eight = i16x8.shr_u(v128.load(attrs + ((<usize>run) << 1)), REFERENCES_SHIFT);
    sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(eight));
  }
  repeats += <u64>(<u32>i32x4.extract_lane(sums, 0)) + <u64>(<u32>i32x4.extract_lane(sums, 1));
  repeats += <u64>(<u32>i32x4.extract_lane(sums, 2)) + <u64>(<u32>i32x4.extract_lane(sums, 3));
  for (let run = whole; run < count; run++) {
    repeats += <u32>load<u16>(attrs + ((<usize>run) << 1)) >> REFERENCES_SHIFT;
  }
  return repeats + count;
}

/** The share of pages that are sampled now. */
export function shardsRate(): f64 {
  return (<f64>hashMax + 1.0) / HASHES;
}

/** Pages in the sample. */
export function shardsPages(): u32 {
  return members;
}

/** References so far, sampled or not. */
export function shardsReferences(): f64 {
  return <f64>references;
}

/** How many groups of pages are counted apart. */
export function shardsGroups(): u32 {
  return GROUPS;
}

/**
 * f64 references, estimated: for each group, by bucket of their stack distance, `bucketCount()` of them; cold
 * misses at 0.
 */
export function shardsAt(): usize {
  return weights;
}
