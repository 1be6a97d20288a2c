/**
 * Blocks of memory that come and go after `commit`: a list of free ones for every power of two, and the end
 * of memory behind them. A block is never split or merged; those who use it have few sizes.
 */

import { extend } from "../layout";

const SHIFT_MIN: u32 = 4;
/** By log2 of the size: address of the first free block, whose first word is the next one's. */
const FREE: usize = memory.data(128, 16);

/** `bytes` of zeroed memory, 16-byte aligned; 0 when there is none left. */
export function takeBlock(bytes: u32): usize {
  const shift = shiftOf(bytes);
  const list = FREE + (shift << 2);
  const block = <usize>load<u32>(list);
  if (block == 0) return extend(1 << shift);
  store<u32>(list, load<u32>(block));
  memory.fill(block, 0, 1 << shift);
  return block;
}

/** Gives back a block that was taken with the same size. */
export function giveBlock(block: usize, bytes: u32): void {
  const list = FREE + (shiftOf(bytes) << 2);
  store<u32>(block, load<u32>(list));
  store<u32>(list, <u32>block);
}

function shiftOf(bytes: u32): u32 {
  return max(SHIFT_MIN, 32 - clz(bytes - 1));
}
