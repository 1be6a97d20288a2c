/**
 * Packing: gathers interned runs into blocks of a fixed number of runs, as the packed trace stores them
 * (traces/FORMAT.md). Consecutive runs of one page and kind are joined again wherever a decoder had to part
 * them, so that a trace packs to the same blocks however it was decoded.
 */

import { attrsAt, idsAt, KIND_MASK, REFERENCES_SHIFT, RUN_REFERENCES_MAX } from "../core/runs";
import { reserveArray } from "../layout";

let blockRuns: u32 = 0;
let blockIds: usize = 0;
let blockAttrs: usize = 0;
let filled: u32 = 0;
let blockReferences: u64 = 0;
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
  for (let run = from; run < count; run++) {
    const id = load<u32>(ids + ((<usize>run) << 2));
    const attr = <u32>load<u16>(attrs + ((<usize>run) << 1));
    const kind = attr & KIND_MASK;
    let references = (attr >> REFERENCES_SHIFT) + 1;
    if (openReferences != 0 && id == openId && kind == openKind) {
      references += openReferences;
      if (references > RUN_REFERENCES_MAX) {
        if (filled == blockRuns) return run;
        openReferences = RUN_REFERENCES_MAX;
        writeOpen();
        references -= RUN_REFERENCES_MAX;
      }
    } else if (openReferences != 0) {
      if (filled == blockRuns) return run;
      writeOpen();
    }
    openId = id;
    openKind = kind;
    openReferences = references;
  }
  return count;
}

/** Writes the last run of the trace to the block; false when that is full. */
export function finishPack(): bool {
  if (openReferences == 0) return true;
  if (filled == blockRuns) return false;
  writeOpen();
  openReferences = 0;
  return true;
}

function writeOpen(): void {
  store<u32>(blockIds + ((<usize>filled) << 2), openId);
  const attr = ((openReferences - 1) << REFERENCES_SHIFT) | openKind;
  store<u16>(blockAttrs + ((<usize>filled) << 1), <u16>attr);
  filled++;
  blockReferences += openReferences;
  greatestId = max(greatestId, openId);
}

/** Runs in the block. */
export function packedRuns(): u32 {
  return filled;
}
export function packedReferences(): f64 {
  return <f64>blockReferences;
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
  blockReferences = 0;
  greatestId = 0;
}
