/**
 * The OPT stack: one pass that gives the faults of OPT with every number of frames, and that need not even
 * know the future. Whether a reference would have hit depends on what came before it alone: OPT keeps a
 * page from one reference to the next exactly if it then finds a frame free for all that time.
 *
 * For each number of frames k there are k marks in the LRU order of all pages, each at a page; a page may
 * still be in memory if a mark is at it or at an older page (the layers of Koutsoupias and Papadimitriou).
 * A reference that hits takes away the nearest such mark, one that misses takes away the newest mark of
 * all, and both put a mark at the page, now the newest. Then the marks for k + 1 frames are always those
 * for k and one more. Let each page's *label* be the smallest k that has a mark there: the labels are the
 * numbers from 1 to pages, and all that a reference does, for all k, is, from older to newer,
 *
 *     before   5  3  7  4  6 [8] 9  2  1       the page's own label, [8], is carried towards older pages
 *              <- 3 <--- 4- 6- 8               and exchanged for each smaller one; what is left at the
 *     after    5  4  7  6  8     9  2  3  1    end, 3, is the distance. The page that was newest gets it
 *                                              as its label and hands on its own, 1.
 *
 * The labels exchanged may be many, so they are kept in ascending *runs*: whoever carries a label through a
 * run moves each by a place, which leaves a run without its first label and with the carried one in its
 * sorted place. So only runs whose first label is smaller than the carried one are looked at, a search tree
 * finds them, and it does not matter where in its run a page is. Neighbours that make one ascending run are
 * joined (union and find for their pages).
 *
 * Time a reference: the runs exchanged with, times log pages. Mattson's stack by next use takes time in
 * proportion to the distance, and an exchange where we have a whole run of them: on traces of 1,000 to 50,000
 * pages we see 1 to 250 runs where there are 9 to 2,700 exchanges. The number grows about with the square
 * root of the pages. With `framesMax` below the number of pages, all labels above it are one, which is
 * faster. Memory: 55 bytes a page, whatever the length of the trace.
 *
 * R. L. Mattson, J. Gecsei, D. R. Slutz, I. L. Traiger, Evaluation techniques for storage hierarchies, IBM
 * Systems Journal 9(2), 1970: OPT is a stack algorithm. L. A. Belady, F. P. Palermo, On-line measurement of
 * paging behavior by the multivalued MIN algorithm, IBM Journal of Research and Development 18(1), 1974:
 * it needs no future. E. Koutsoupias, C. H. Papadimitriou, Beyond competitive analysis, SIAM Journal on
 * Computing 30(1), 2000: the layers. Labels and runs are our own.
 */

import { attrsAt, idsAt, REFERENCES_SHIFT } from "../core/runs";
import { reserve, reserveArray } from "../layout";
import { MaxTree } from "../lib/max_tree";

const NONE: u32 = u32.MAX_VALUE;
/** Runs are joined up to this length, for a carrier moves up to half of a run's labels. */
const RUN_LABELS_MAX: u32 = 2048;
const SPARE_MIN: u32 = 4096;

@unmanaged
@final
class Run {
  /** Where its labels begin, and how many there are; none when it is empty or joined to another. */
  start: u32;
  count: u32;
  older: u32;
  newer: u32;
  /** The run that its pages are in now: itself, or the one that it was joined to. */
  joined: u32;
}

/** Per page: its run's number + 1, 0 before its first reference. The newest page is in no run. */
let runOf: usize = 0;
let newestPage: u32 = NONE;
let pagesEnd: u32 = 0;
let pagesSeen: u32 = 0;

/** Numbered from older to newer. */
let runs: usize = 0;
let runsUsed: u32 = 0;
/** Where they are packed, as `labelsEnd` for labels: half as many spare ones as there are pages. */
let runsEnd: u32 = 0;
let oldestRun: u32 = NONE;
let newestRun: u32 = NONE;
/** Per run: the complement of its first label, 0 for a run without. */
const FIRSTS = changetype<MaxTree>(memory.data(offsetof<MaxTree>(), 16));

/** Runs lie here from older to newer, with gaps between them. */
let labels: usize = 0;
let labelsUsed: u32 = 0;
let labelsEnd: u32 = 0;

let counts: usize = 0;
let labelMax: u32 = 0;

/** Reserves the stack. Distances above `framesMax` are counted as framesMax + 1. */
export function initOptStack(pages: u32, framesMax: u32): void {
  labelMax = min(pages, framesMax) + 1;
  const most = pages + max(pages >> 1, SPARE_MIN);
  runOf = reserveArray<u32>(pages);
  runs = reserve(<u64>most * offsetof<Run>());
  labels = reserveArray<u32>(most);
  FIRSTS.init(most);
  runsEnd = SPARE_MIN;
  labelsEnd = SPARE_MIN;
  counts = reserveArray<u64>(labelMax + 1);
}

/** Counts the OPT stack distances of the first `count` runs of references, by their page ids. */
export function countOptDistances(count: u32): void {
  const ids = idsAt();
  const attrs = attrsAt();
  let ones: u64 = 0;
  for (let run: u32 = 0; run < count; run++) {
    const page = load<u32>(ids + ((<usize>run) << 2));
    ones += <u32>load<u16>(attrs + ((<usize>run) << 1)) >> REFERENCES_SHIFT;
    if (page == newestPage) {
      ones++;
    } else {
      const distance = reference(page);
      const at = counts + ((<usize>distance) << 3);
      store<u64>(at, load<u64>(at) + 1);
    }
  }
  store<u64>(counts, load<u64>(counts, 8) + ones, 8);
}

/** References a page that is not the newest; returns its distance, 0 if it is a cold miss. */
function reference(page: u32): u32 {
  if (labelsUsed == labelsEnd || runsUsed == runsEnd) compact();
  const entry = load<u32>(runOf + ((<usize>page) << 2));
  let distance: u32 = 0;
  let label: u32;
  if (entry != 0) {
    distance = label = carry(runWith(entry - 1));
  } else {
    label = min(++pagesSeen, labelMax);
    pagesEnd = max(pagesEnd, page + 1);
  }
  if (newestPage != NONE) appendNewest(label);
  newestPage = page;
  return distance;
}

/** Takes the first label of a run through all older runs; returns the one that is left, the smallest. */
function carry(number: u32): u32 {
  let run = runAt(number);
  let label = firstLabel(run);
  run.start++;
  run.count--;
  // Looked up before the tree is written, because what has just been stored is slow to load as a vector.
  let next = FIRSTS.lastAbove(number, ~label);
  // The run last changed, until it is known whether its older neighbour changes too.
  let last = number;
  if (run.count == 0) {
    unlink(number);
    last = NONE;
  } else {
    FIRSTS.set(number, ~firstLabel(run));
  }
  while (next != NONE) {
    if (last != NONE && runAt(last).older != next) join(runAt(last).older, last);
    number = next;
    run = runAt(number);
    label = exchange(run, label);
    next = FIRSTS.lastAbove(number, ~label);
    FIRSTS.set(number, ~firstLabel(run));
    last = join(number, run.newer);
  }
  if (last != NONE) join(runAt(last).older, last);
  return label;
}

/** Puts a label in its sorted place in a run, for the run's first label, which it returns. */
function exchange(run: Run, label: u32): u32 {
  const first = labelAt(run.start);
  const result = load<u32>(first);
  const smaller = labelsBelow(first, run.count, label);
  const greater = run.count - smaller;
  const place = first + ((<usize>smaller) << 2);
  const end = run.start + run.count;
  if (greater < smaller && end < (run.newer == NONE ? labelsUsed : runAt(run.newer).start)) {
    if (greater != 0) memory.copy(place + 4, place, (<usize>greater) << 2);
    store<u32>(place, label);
    run.start++;
  } else {
    if (smaller != 1) memory.copy(first, first + 4, (<usize>(smaller - 1)) << 2);
    store<u32>(place - 4, label);
  }
  return result;
}

/** How many of the ascending labels at `first` are below `label`; the first one is known to be. */
function labelsBelow(first: usize, count: u32, label: u32): u32 {
  let low: u32 = 1;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<u32>(first + ((<usize>middle) << 2)) < label) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Joins two neighbours if they make one ascending run; returns the run that `older` is in now. */
function join(older: u32, newer: u32): u32 {
  if (older == NONE) return newer;
  if (newer == NONE) return older;
  const left = runAt(older);
  const right = runAt(newer);
  const count = left.count + right.count;
  const last = load<u32>(labelAt(left.start + left.count - 1));
  if (count > RUN_LABELS_MAX || last > firstLabel(right)) return older;
  if (left.count <= right.count) {
    const start = right.start - left.count;
    memory.copy(labelAt(start), labelAt(left.start), (<usize>left.count) << 2);
    right.start = start;
    right.count = count;
    left.joined = newer;
    unlink(older);
    FIRSTS.set(newer, ~firstLabel(right));
    return newer;
  }
  memory.copy(labelAt(left.start + left.count), labelAt(right.start), (<usize>right.count) << 2);
  left.count = count;
  right.joined = older;
  unlink(newer);
  return older;
}

function unlink(number: u32): void {
  const run = runAt(number);
  if (run.older != NONE) runAt(run.older).newer = run.newer;
  else oldestRun = run.newer;
  if (run.newer != NONE) runAt(run.newer).older = run.older;
  else newestRun = run.older;
  FIRSTS.set(number, 0);
}

/** Puts the page that was newest into the newest run, or a new one, with `label`. */
function appendNewest(label: u32): void {
  let number = newestRun;
  if (number != NONE) {
    const run = runAt(number);
    const end = run.start + run.count;
    if (run.count == RUN_LABELS_MAX || load<u32>(labelAt(end - 1)) > label) number = NONE;
    else labelsUsed = end;
  }
  if (number == NONE) number = appendRun();
  const run = runAt(number);
  store<u32>(labelAt(labelsUsed++), label);
  if (run.count++ == 0) FIRSTS.set(number, ~label);
  store<u32>(runOf + ((<usize>newestPage) << 2), number + 1);
}

function appendRun(): u32 {
  const number = runsUsed++;
  const run = runAt(number);
  run.start = labelsUsed;
  run.count = 0;
  run.older = newestRun;
  run.newer = NONE;
  run.joined = number;
  if (newestRun != NONE) runAt(newestRun).newer = number;
  else oldestRun = number;
  newestRun = number;
  return number;
}

/** Closes the gaps between runs and in their numbers, and makes room for more. */
function compact(): void {
  renamePages();
  FIRSTS.clear(runsUsed);
  let number = oldestRun;
  runsUsed = 0;
  labelsUsed = 0;
  oldestRun = NONE;
  newestRun = NONE;
  while (number != NONE) {
    const run = runAt(number);
    const start = run.start;
    const count = run.count;
    number = run.newer;
    // Never behind the place that the run has had.
    const packed = appendRun();
    runAt(packed).count = count;
    memory.copy(labelAt(labelsUsed), labelAt(start), (<usize>count) << 2);
    labelsUsed += count;
    FIRSTS.set(packed, ~firstLabel(runAt(packed)));
  }
  const spare = max(pagesSeen >> 1, SPARE_MIN);
  runsEnd = runsUsed + spare;
  labelsEnd = labelsUsed + spare;
}

/** Gives all pages the numbers that their runs will have without gaps. */
function renamePages(): void {
  const end = runOf + ((<usize>pagesEnd) << 2);
  for (let at = runOf; at < end; at += 4) {
    const entry = load<u32>(at);
    if (entry != 0) store<u32>(at, runWith(entry - 1) + 1);
  }
  let packed: u32 = 0;
  for (let number = oldestRun; number != NONE; number = runAt(number).newer) {
    runAt(number).joined = packed++;
  }
  for (let at = runOf; at < end; at += 4) {
    const entry = load<u32>(at);
    if (entry != 0) store<u32>(at, runAt(entry - 1).joined + 1);
  }
}

/** The run that the pages of run `number` are in now; shortens the way there. */
function runWith(number: u32): u32 {
  let run = runAt(number);
  while (run.joined != number) {
    const next = run.joined;
    run.joined = runAt(next).joined;
    number = run.joined;
    run = runAt(number);
  }
  return number;
}

function runAt(number: u32): Run {
  return changetype<Run>(runs + <usize>number * offsetof<Run>());
}

function labelAt(place: u32): usize {
  return labels + ((<usize>place) << 2);
}

function firstLabel(run: Run): u32 {
  return load<u32>(labelAt(run.start));
}

/** Distinct pages so far. */
export function optPages(): u32 {
  return pagesSeen;
}

/** u64 references by distance: number d, from 1 to min(framesMax, pages) + 1, at d; cold misses at 0. */
export function optDistancesAt(): usize {
  return counts;
}
