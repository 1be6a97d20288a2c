/**
 * VMware's vscsiStats traces of a virtual disk, as libCacheSim reads them
 * (traceReader/customizedReader/vscsi.h): records of one SCSI command each, little-endian, in two versions,
 *
 *     1   serial u32 | bytes u32 | nSG u32 | command u16 | version u16 | lbn u64 | time u64 (µs)
 *     2   command u16 | version u16 | serial u32 | bytes u32 | nSG u32 | lbn u64 | time u64 | response u64
 *
 * where the version's high byte is its number and lbn counts sectors of 512 bytes. Reads are loads and writes
 * stores; other commands, and those that move no bytes, are no references. The page is the lbn, as it is
 * libCacheSim's object, or with `text.splitBlocks` each page of the disk that the bytes touch.
 */

import { LOAD, STORE } from "../core/runs";
import { isBlock, takeBlock } from "./blocks";
import { runsMade, startRuns } from "./folding";
import { endRecords, NEEDS_TEXT, refuseLine, setting, text } from "./text";

/** The one setting. */
const VERSION: u32 = 0;

const SECTOR_SHIFT: u64 = 9;
const NO_REFERENCE: u32 = 0xff;

export function decodeVscsi(length: u32, final: bool): u32 {
  const version = <u32>setting(VERSION);
  const recordBytes: u32 = version == 1 ? 32 : 40;
  const commandAt: usize = version == 1 ? 12 : 0;
  const bytesAt: usize = version == 1 ? 4 : 8;
  const start = text.at;
  const end = start + length - (length % recordBytes);
  text.status = NEEDS_TEXT;
  startRuns();

  let at = start;
  for (; at < end; at += recordBytes) {
    const command = load<u16>(at + commandAt);
    const bytes = load<u32>(at + bytesAt);
    const lbn = load<u64>(at, 16);
    const offset = lbn << SECTOR_SHIFT;
    const kind = kindOf(command);
    const isReference = kind != NO_REFERENCE && bytes != 0;
    const isOnDisk = offset >> SECTOR_SHIFT == lbn && isBlock(offset, bytes);
    if (load<u16>(at + commandAt, 2) >> 8 != version || (isReference && !isOnDisk)) {
      if (refuseLine(at, at + recordBytes, at) == 0) break;
    } else if (!isReference) {
      text.otherLines++;
    } else if (!takeBlock(lbn, offset, bytes, kind)) {
      break;
    }
  }
  endRecords(<u32>(at - start), length, recordBytes, final);
  return runsMade();
}

/** READ and WRITE of 6, 10, 12 and 16 bytes (SCSI Block Commands, SBC-4). */
function kindOf(command: u32): u32 {
  switch (command) {
    case 0x08:
    case 0x28:
    case 0xa8:
    case 0x88:
      return LOAD;
    case 0x0a:
    case 0x2a:
    case 0xaa:
    case 0x8a:
      return STORE;
    default:
      return NO_REFERENCE;
  }
}
