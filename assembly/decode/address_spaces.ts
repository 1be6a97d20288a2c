/**
 * Numbers for address spaces in the order in which they turn up: a process id, or any 64-bit name, is too
 * wide for the 12 bits that a page's tag has for it.
 *
 * A hash table of 16-byte slots, open addressing with linear probing, reserved at the first name:
 *     slot   name u64 | number + 1 u32, 0 for an empty slot | unused u32
 */

import { extend } from "../layout";

/** The last number, 4095, is never given; see assembly/core/runs.ts. */
export const ADDRESS_SPACES_MAX: u32 = 4095;
/** More than that many. */
export const NO_ADDRESS_SPACE: u32 = u32.MAX_VALUE;

const SLOT_BITS: u32 = 13;
const SLOT_SHIFT: u32 = 4;
const NUMBER = 8;
/** 2^64 divided by the golden ratio. */
const MULTIPLIER: u64 = 0x9e3779b97f4a7c15;

let table: usize = 0;
let count: u32 = 0;
let lastName: u64 = 0;
let lastNumber: u32 = NO_ADDRESS_SPACE;

/** The number of the address space called `name`, a new one if it has none. */
export function addressSpaceOf(name: u64): u32 {
  if (name == lastName && lastNumber != NO_ADDRESS_SPACE) return lastNumber;
  if (table == 0) table = extend((<u32>1) << (SLOT_BITS + SLOT_SHIFT));
  if (table == 0) return NO_ADDRESS_SPACE;
  let index = <u32>((name * MULTIPLIER) >> (64 - SLOT_BITS));
  let slot = table + ((<usize>index) << SLOT_SHIFT);
  while (load<u32>(slot, NUMBER) != 0 && load<u64>(slot) != name) {
    index = (index + 1) & (((<u32>1) << SLOT_BITS) - 1);
    slot = table + ((<usize>index) << SLOT_SHIFT);
  }
  if (load<u32>(slot, NUMBER) == 0) {
    if (count == ADDRESS_SPACES_MAX) return NO_ADDRESS_SPACE;
    count++;
    store<u64>(slot, name);
    store<u32>(slot, count, NUMBER);
  }
  lastName = name;
  lastNumber = load<u32>(slot, NUMBER) - 1;
  return lastNumber;
}
