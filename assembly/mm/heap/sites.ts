/**
 * Call sites: the text that a log has for a caller, by number. Two texts are the same when their 64-bit
 * hashes are (lib/murmur.ts). Site 0 is that of calls whose caller the log does not say.
 *
 * A record counts the blocks and bytes that a site has asked for, and those of them that nothing has freed.
 */

import { extend } from "../../layout";
import { Murmur } from "../../lib/murmur";

const CAPACITY_MIN: u32 = 256;
const TEXT_BYTES: u32 = 65536;
/** Longer texts are cut. */
const LENGTH_MAX: u32 = 4096;

let records: usize = 0;
let capacity: u32 = 0;
let count: u32 = 0;
/** Numbers of sites by hash, twice as many places as records; 0 is empty, as site 0 is not looked up. */
let index: usize = 0;
let texts: usize = 0;
let textsEnd: usize = 0;

@unmanaged
@final
export class Site {
  hash: u64;
  text: usize;
  length: u32;
  blocks: f64;
  bytes: f64;
  leakedBlocks: f64;
  leakedBytes: f64;
}

export class Sites {
  @inline
  static at(site: u32): Site {
    return changetype<Site>(records + <usize>site * offsetof<Site>());
  }
}

export function initSites(): bool {
  if (!grow(CAPACITY_MIN)) return false;
  count = 1;
  return true;
}

export function siteCount(): u32 {
  return count;
}
export function sitesAt(): usize {
  return records;
}

/** The number of the site whose text is `length` bytes from `at`; u32.MAX_VALUE when memory has run out. */
export function siteOf(at: usize, length: u32): u32 {
  if (length == 0) return 0;
  const kept = min(length, LENGTH_MAX);
  const hash = hashOf(at, kept);
  const mask = (capacity << 1) - 1;
  let place = <u32>hash & mask;
  for (;;) {
    const site = load<u32>(index + (place << 2));
    if (site == 0) break;
    if (Sites.at(site).hash == hash) return site;
    place = (place + 1) & mask;
  }
  return addSite(at, kept, hash);
}

// --- internal ---

function addSite(at: usize, length: u32, hash: u64): u32 {
  if (count == capacity && !grow(capacity << 1)) return u32.MAX_VALUE;
  if (texts + length > textsEnd) {
    texts = extend(TEXT_BYTES);
    if (texts == 0) return u32.MAX_VALUE;
    textsEnd = texts + TEXT_BYTES;
  }
  const site = count++;
  const record = Sites.at(site);
  record.hash = hash;
  record.text = texts;
  record.length = length;
  memory.copy(texts, at, length);
  texts += length;
  enter(site, hash);
  return site;
}

function enter(site: u32, hash: u64): void {
  const mask = (capacity << 1) - 1;
  let place = <u32>hash & mask;
  while (load<u32>(index + (place << 2)) != 0) place = (place + 1) & mask;
  store<u32>(index + (place << 2), site);
}

function grow(size: u32): bool {
  if (size > <u32>(u32.MAX_VALUE / offsetof<Site>())) return false;
  const newRecords = extend(size * <u32>offsetof<Site>());
  const newIndex = extend(size << 3);
  if (newRecords == 0 || newIndex == 0) return false;
  memory.copy(newRecords, records, <usize>count * offsetof<Site>());
  records = newRecords;
  index = newIndex;
  capacity = size;
  for (let site: u32 = 1; site < count; site++) enter(site, Sites.at(site).hash);
  return true;
}

function hashOf(at: usize, length: u32): u64 {
  let hash = Murmur.begin(length);
  const whole = length & ~7;
  for (let offset: u32 = 0; offset < whole; offset += 8) hash = Murmur.add(hash, load<u64>(at + offset));
  if (whole < length) {
    let rest: u64 = 0;
    for (let offset = length; offset > whole; offset--) rest = (rest << 8) | load<u8>(at + offset - 1);
    hash = Murmur.addLast(hash, rest);
  }
  return Murmur.end(hash);
}
