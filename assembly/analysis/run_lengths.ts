/**
 * How long page runs are: by kind, the runs, and a histogram of their references by powers of two. Runs in a
 * row of one page and kind count as one, so that the numbers do not depend on where a decoder parted them.
 *
 *     by kind   runs u64 | runs of 1, 2 to 3, 4 to 7, ... references u64[31], the last of all longer ones
 */

import { attrsAt, idsAt, KIND_MASK, REFERENCES_SHIFT } from "../core/runs";

const BUCKETS: u32 = 31;
const KIND_SHIFT: u32 = 8;
const COUNTS: usize = memory.data(4 << 8, 16);

/** The run that may still grow; none when it has no references. */
let openId: u32 = 0;
let openKind: u32 = 0;
let openReferences: u64 = 0;

/** Counts the first `count` interned runs. */
export function countRunLengths(count: u32): void {
  const ids = idsAt();
  const attrs = attrsAt();
  let id = openId;
  let kind = openKind;
  let references = openReferences;
  for (let run: u32 = 0; run < count; run++) {
    const nextId = load<u32>(ids + ((<usize>run) << 2));
    const attr = <u32>load<u16>(attrs + ((<usize>run) << 1));
    const nextKind = attr & KIND_MASK;
    const more = <u64>((attr >> REFERENCES_SHIFT) + 1);
    if (nextId == id && nextKind == kind) {
      references += more;
      continue;
    }
    if (references != 0) addRun(kind, references);
    id = nextId;
    kind = nextKind;
    references = more;
  }
  openId = id;
  openKind = kind;
  openReferences = references;
}

/** Counts the last run of the trace. */
export function endRunLengths(): void {
  if (openReferences != 0) addRun(openKind, openReferences);
  openReferences = 0;
}

/** For each kind 32 counters, u64. */
export function runLengthsAt(): usize {
  return COUNTS;
}

function addRun(kind: u32, references: u64): void {
  const counts = COUNTS + ((<usize>kind) << KIND_SHIFT);
  store<u64>(counts, load<u64>(counts) + 1);
  const bucket = min<u32>(63 - <u32>clz(references), BUCKETS - 1);
  const at = counts + 8 + ((<usize>bucket) << 3);
  store<u64>(at, load<u64>(at) + 1);
}
