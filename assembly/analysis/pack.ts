/**
 * Packing: gathers interned runs into blocks of a fixed number of runs, as the packed trace stores them
 * (traces/FORMAT.md). Consecutive runs of one page and kind are joined again wherever a decoder had to part
 * them, so that a trace packs to the same blocks however it was decoded; `endPackedRun` keeps the next from
 * being joined.
 */

import { attrsAt, idsAt, KIND_MASK, REFERENCES_SHIFT, RUN_REFERENCES_MAX } from "../core/runs";
import { reserveArray } from "../layout";

let blockRuns: u32 = 0;
let blockIds: usize = 0;
let blockAttrs: usize = 0;
let filled: u32 = 0;
let greatestId: u32 = 0;

/** The run that may still grow: its id, kind, and references; none when it has no references. */
let openId: u32 = 0;
let openKind: u32 = 0;
let openReferences: u32 = 0;

export function initPack(runs: u32): void {
  blockRuns = runs;
  blockIds = reserveArray<u32>(runs);
  blockAttrs = reserveArray<u16>(runs);
}

/**
 * Adds the run buffer's runs from number `from` up to `count` to the block and returns the number of the
 * first that it has not taken: `count`, or fewer when the block is full.
 */
export function packRuns(from: u32, count: u32): u32 {
  const ids = idsAt();
  const attrs = attrsAt();
  const intoIds = blockIds;
  const intoAttrs = blockAttrs;
  const room = blockRuns;
  let at = filled;
  let id = openId;
  let kind = openKind;
  let references = openReferences;
  let idMax = greatestId;
  let run = from;
  for (; run < count; run++) {
    const nextId = load<u32>(ids + ((<usize>run) << 2));
    const attr = <u32>load<u16>(attrs + ((<usize>run) << 1));
    const nextKind = attr & KIND_MASK;
    let nextReferences = (attr >> REFERENCES_SHIFT) + 1;
    if (nextId == id && nextKind == kind) {
      const joined = references + nextReferences;
      if (joined <= RUN_REFERENCES_MAX) {
        references = joined;
        continue;
      }
      if (at == room) break;
      nextReferences = joined - RUN_REFERENCES_MAX;
      references = RUN_REFERENCES_MAX;
    }
    if (references != 0) {
      if (at == room) break;
      writeRun(intoIds, intoAttrs, at++, id, kind, references);
      idMax = max(idMax, id);
    }
    id = nextId;
    kind = nextKind;
    references = nextReferences;
  }
  filled = at;
  openId = id;
  openKind = kind;
  openReferences = references;
  greatestId = idMax;
  return run;
}

/** Writes the run that could still grow to the block; false when that is full. */
export function endPackedRun(): bool {
  if (openReferences == 0) return true;
  if (filled == blockRuns) return false;
  writeRun(blockIds, blockAttrs, filled++, openId, openKind, openReferences);
  greatestId = max(greatestId, openId);
  openReferences = 0;
  return true;
}

function writeRun(ids: usize, attrs: usize, at: u32, id: u32, kind: u32, references: u32): void {
  store<u32>(ids + ((<usize>at) << 2), id);
  store<u16>(attrs + ((<usize>at) << 1), <u16>(((references - 1) << REFERENCES_SHIFT) | kind));
}

/** Runs in the block. */
export function packedRuns(): u32 {
  return filled;
}
/** The greatest page id in the block. */
export function packedIdMax(): u32 {
  return greatestId;
}
export function packedIdsAt(): usize {
  return blockIds;
}
export function packedAttrsAt(): usize {
  return blockAttrs;
}

/** Makes room for the next block. */
export function emptyPack(): void {
  filled = 0;
  greatestId = 0;
}
