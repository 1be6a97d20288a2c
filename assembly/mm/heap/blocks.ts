/**
 * The blocks that a program has, by the addresses that its log has for them: what was asked for, where, and
 * what the modelled heap gave. A block that was freed is remembered until its address is used again, so that
 * a second free is known as one; when such memories fill the table, the older half of them is forgotten.
 *
 *     32 bytes an entry, found by linear probing from the hash of the address:
 *     key u64  log's address, 0 = no entry        address u64   modelled heap's, 0 = it had no memory
 *     size u48 | state u16                        site u32      line u32 (saturated)
 *
 * The site and line are those of the allocation, of the free once there was one.
 */

import { extend } from "../../layout";

const ENTRY_SHIFT: u32 = 5;
const CAPACITY_MIN: u32 = 1 << 12;
const SIZE_MASK: u64 = (1 << 48) - 1;
const LIVE: u64 = 1 << 48;

@unmanaged
@final
export class Block {
  key: u64;
  address: u64;
  private sizeAndState: u64;
  site: u32;
  line: u32;

  @inline
  get isLive(): bool {
    return this.sizeAndState >= LIVE;
  }
  @inline
  get size(): u64 {
    return this.sizeAndState & SIZE_MASK;
  }

  @inline
  use(address: u64, size: u64, site: u32, line: u32): void {
    this.address = address;
    this.sizeAndState = min(size, SIZE_MASK) | LIVE;
    this.site = site;
    this.line = line;
  }

  @inline
  drop(site: u32, line: u32): void {
    this.sizeAndState &= SIZE_MASK;
    this.site = site;
    this.line = line;
  }
}

let entries: usize = 0;
let capacity: u32 = 0;
let shift: u32 = 0;
let used: u32 = 0;
let live: u32 = 0;
/** The table before the present one, which is used again when the size stays. */
let spare: usize = 0;

/** Takes place for the least table, after `commit`. */
export function initBlocks(): bool {
  return makeTable(CAPACITY_MIN);
}

export function liveBlocks(): u32 {
  return live;
}
export function blocksAt(): usize {
  return entries;
}
export function blockCapacity(): u32 {
  return capacity;
}

/** Counts blocks that begin to live, and less those that end. */
export function countLive(change: i32): void {
  live += change;
}

/** The entry of `key`, or the empty one where it would be. */
export class Blocks {
  @inline
  static find(key: u64): Block {
    const mask = capacity - 1;
    const table = entries;
    let place = <u32>((key * 0x9e3779b97f4a7c15) >> (64 - shift));
    let entry = changetype<Block>(table + ((<usize>place) << ENTRY_SHIFT));
    while (entry.key != key && entry.key != 0) {
      place = (place + 1) & mask;
      entry = changetype<Block>(table + ((<usize>place) << ENTRY_SHIFT));
    }
    return entry;
  }
}

/** Makes room for one more block; false when memory has run out. */
export function hasRoomForBlock(): bool {
  if (used < capacity - (capacity >> 2)) return true;
  const oldEntries = entries;
  const oldCapacity = capacity;
  const isFull = live > capacity >> 1;
  if (!makeTable(isFull ? capacity << 1 : capacity)) return false;
  // Of the blocks that were freed, those freed in the later half of the log's lines so far are kept.
  const freedFrom: u32 = isFull ? 0 : medianLine(oldEntries, oldCapacity);
  for (let index: u32 = 0; index < oldCapacity; index++) {
    const from = changetype<Block>(oldEntries + ((<usize>index) << ENTRY_SHIFT));
    if (from.key == 0 || (!from.isLive && from.line < freedFrom)) continue;
    memory.copy(changetype<usize>(Blocks.find(from.key)), changetype<usize>(from), 1 << ENTRY_SHIFT);
    used++;
  }
  spare = isFull ? 0 : oldEntries;
  return true;
}

/** Notes that an empty entry has been filled. */
export function countUsed(): void {
  used++;
}

// --- internal ---

function makeTable(size: u32): bool {
  const bytes = (<u64>size) << ENTRY_SHIFT;
  if (bytes > <u64>u32.MAX_VALUE) return false;
  let at = spare;
  if (at != 0 && size == capacity) memory.fill(at, 0, <usize>bytes);
  else at = extend(<u32>bytes);
  if (at == 0) return false;
  spare = 0;
  entries = at;
  capacity = size;
  shift = 31 - clz(size);
  used = 0;
  return true;
}

/** A line that half of the blocks that were freed were freed after, more or less. */
function medianLine(table: usize, size: u32): u32 {
  let sum: u64 = 0;
  let count: u64 = 0;
  for (let index: u32 = 0; index < size; index++) {
    const entry = changetype<Block>(table + ((<usize>index) << ENTRY_SHIFT));
    if (entry.key == 0 || entry.isLive) continue;
    sum += entry.line;
    count++;
  }
  return count == 0 ? 0 : <u32>(sum / count) + 1;
}
