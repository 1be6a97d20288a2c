/**
 * Calls of malloc and its relatives, as a log's decoder or a test writes them and replay.ts takes them.
 * `block` is the name of a block: the address that the log has for it, or any number but 0.
 */

import { reserve } from "../../layout";

export const MALLOC: u32 = 0;
export const CALLOC: u32 = 1;
export const REALLOC: u32 = 2;
export const FREE: u32 = 3;
export const MEMALIGN: u32 = 4;

@unmanaged
@final
export class Call {
  kind: u32;
  /** The call site, a number of sites.ts. */
  site: u32;
  /** The block that is made, for realloc the one that there was, 0 if there was none. */
  block: u64;
  size: u64;
  /** realloc: the block that is made. memalign: the alignment. */
  other: u64;
  line: u32;
  padding: u32;
  /** What the modelled heap gave: an address, 0 if nothing. Written by replay.ts. */
  result: u64;
}

let calls: usize = 0;
let capacity: u32 = 0;

export function initCalls(count: u32): void {
  capacity = count;
  calls = reserve(<u64>count * offsetof<Call>());
}

export function callsAt(): usize {
  return calls;
}
export function callCapacity(): u32 {
  return capacity;
}
