/**
 * Which memory a call makes the program touch: malloc writes a chunk's header, and a program the bytes that
 * it has asked for. A hook is told of both as soon as there is an address, between the calls of brk and mmap
 * that came before and those that follow, so that the pages exist; pages touched already are told again.
 *
 *     touch(space: u32, address: u64, bytes: u64): void      from the header to the last byte asked for
 */

import { Heap } from "./heap";

const HEADER_BYTES: u64 = 16;

let touchHook: u32 = 0;

export function setTouchHook(touch: u32): void {
  touchHook = touch;
}

export function touched(heap: Heap, address: u64, size: u64): void {
  if (touchHook == 0) return;
  call_indirect<void>(touchHook, heap.space, address - HEADER_BYTES, size + HEADER_BYTES);
}
