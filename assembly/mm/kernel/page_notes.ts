/**
 * What the kernel's allocators know of each page frame, in a word:
 *
 *     0                     nothing
 *     ...............000    the address of the Slab that the page is part of
 *     bytes requested  01   the first page of a large kmalloc
 *     next pfn         10   a page of a vmalloc area, of which all ones are the last
 *
 * Linux keeps the same in struct page: slab_cache and the compound head, and in vm_struct.pages.
 */

import { reserveArray } from "../../layout";
import { mappedFrames } from "../physical/mem_map";

const LARGE: u32 = 1;
const MAPPED: u32 = 2;
const KIND_BITS: u32 = 2;
const KIND_MASK: u32 = 3;
/** The page after the last of a vmalloc area. */
export const NO_PAGE: u32 = u32.MAX_VALUE >> KIND_BITS;

let notes: usize = 0;
let frames: u32 = 0;

/** Reserves the notes; the memory map comes first. */
export function initPageNotes(): void {
  frames = mappedFrames();
  notes = reserveArray<u32>(frames);
}

/** The word of a frame; 0 for one that the machine does not have. */
export function noteOf(pfn: u32): u32 {
  return pfn < frames ? load<u32>(notes + ((<usize>pfn) << 2)) : 0;
}

function setNote(pfn: u32, note: u32): void {
  store<u32>(notes + ((<usize>pfn) << 2), note);
}

export function isSlabNote(note: u32): bool {
  return note != 0 && (note & KIND_MASK) == 0;
}

export function isLargeNote(note: u32): bool {
  return (note & KIND_MASK) == LARGE;
}

/** Sets or, with 0, clears the slab of all pages of a block. */
export function noteSlab(pfn: u32, order: u32, slab: usize): void {
  for (let page: u32 = 0; page < 1 << order; page++) setNote(pfn + page, <u32>slab);
}

export function noteLarge(pfn: u32, requestedBytes: u32): void {
  setNote(pfn, (requestedBytes << KIND_BITS) | LARGE);
}

export function largeBytes(note: u32): u32 {
  return note >> KIND_BITS;
}

export function noteMapped(pfn: u32, next: u32): void {
  setNote(pfn, (next << KIND_BITS) | MAPPED);
}

export function nextMapped(pfn: u32): u32 {
  return load<u32>(notes + ((<usize>pfn) << 2)) >> KIND_BITS;
}

export function clearNote(pfn: u32): void {
  setNote(pfn, 0);
}
