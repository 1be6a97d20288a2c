/**
 * ChampSim's traces of instructions (inc/trace_instruction.h), little-endian; all that is used here of the
 * two layouts:
 *
 *                        ip    is_branch, taken   stores (dst_mem)   loads (src_mem)   asid
 *     input_instr, 64    @0    u8 @8, u8 @9       u64[2] @16         u64[4] @32        -
 *     cloudsuite, 96     @0    u8 @8, u8 @9       u64[4] @24         u64[4] @56        u8[2] @88
 *
 * An instruction is a fetch of its ip, then a load from each source that is not 0, then a store to each
 * destination that is not 0. No sizes are recorded, so a reference touches the page of its address and no
 * other. The cloudsuite layout's asid is the address space. Flags other than 0 and 1, and an address space
 * that has no place in a run's tag, are errors.
 */

import { ASID_SHIFT, attrsAt, FETCH, LOAD, runCapacity, STORE, tagsAt } from "../core/runs";
import { Folding, openRun, runsMade, startRuns } from "./folding";
import {
  ACCESSES,
  addSharing,
  addTo,
  endRecords,
  NEEDS_TEXT,
  RUNS_FULL,
  refuseLine,
  setting,
  text,
} from "./text";

/** The one setting: whether the layout is cloudsuite's. */
const CLOUDSUITE: u32 = 0;

const FLAGS = 8;
const FLAGS_UNUSED: u32 = 0xfefe;
const ASID = 88;
const ASIDS: u32 = 4095;
const SLOT_BYTES: usize = 8;

export function decodeChampsim(length: u32, final: bool): u32 {
  const cloudsuite = setting(CLOUDSUITE) != 0;
  const recordBytes: u32 = cloudsuite ? 96 : 64;
  const storesAt: usize = cloudsuite ? 24 : 16;
  const loadsAt: usize = cloudsuite ? 56 : 32;
  const loadsEnd = loadsAt + 4 * SLOT_BYTES;
  const storesEnd = cloudsuite ? storesAt + 4 * SLOT_BYTES : storesAt + 2 * SLOT_BYTES;
  const runsMax: u32 = cloudsuite ? 9 : 7;
  const tags = tagsAt();
  const attrs = attrsAt();
  const shift = <u64>text.pageShift;
  const withFetches = ((text.include >> FETCH) & 1) != 0;
  const withLoads = ((text.include >> LOAD) & 1) != 0;
  const withStores = ((text.include >> STORE) & 1) != 0;
  const start = text.at;
  const whole = length / recordBytes;
  const records = min(whole, runCapacity() / runsMax);
  text.status = records < whole ? RUNS_FULL : NEEDS_TEXT;

  const end = start + records * recordBytes;
  let asid = (<u64>text.asid) << ASID_SHIFT;
  startRuns();
  let open = openRun.open;
  let openTag: u64 = 0;
  let instructions: u64 = 0;
  let loads: u64 = 0;
  let stores: u64 = 0;
  let at = start;
  for (; at < end; at += recordBytes) {
    let wrong = load<u16>(at, FLAGS) & FLAGS_UNUSED;
    if (cloudsuite) {
      const space = <u32>load<u16>(at, ASID);
      wrong |= <u32>(space >= ASIDS);
      asid = (<u64>space) << ASID_SHIFT;
    }
    if (wrong != 0) {
      if (refuseLine(at, at + recordBytes, at) == 0) break;
      continue;
    }
    instructions++;
    if (withFetches) {
      const tag = (load<u64>(at) >> shift) | asid;
      open = Folding.add(open, tag == openTag, tag, FETCH, tags, attrs);
      openTag = tag;
    }
    if (withLoads && v128.any_true(v128.or(v128.load(at + loadsAt), v128.load(at + loadsAt, 16)))) {
      for (let slot = at + loadsAt; slot < at + loadsEnd; slot += SLOT_BYTES) {
        const address = load<u64>(slot);
        if (address == 0) continue;
        loads++;
        const tag = (address >> shift) | asid;
        open = Folding.add(open, tag == openTag, tag, LOAD, tags, attrs);
        openTag = tag;
      }
    }
    if (withStores) {
      for (let slot = at + storesAt; slot < at + storesEnd; slot += SLOT_BYTES) {
        const address = load<u64>(slot);
        if (address == 0) continue;
        stores++;
        const tag = (address >> shift) | asid;
        open = Folding.add(open, tag == openTag, tag, STORE, tags, attrs);
        openTag = tag;
      }
    }
  }
  openRun.open = open;
  addTo(ACCESSES, FETCH, instructions);
  addSharing(LOAD, loads);
  addSharing(STORE, stores);
  endRecords(<u32>(at - start), length, recordBytes, final);
  return runsMade();
}
