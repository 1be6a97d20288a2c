/**
 * Swap space: slots of a page, the swap cache, and reading ahead (mm/swapfile.c, mm/swap_state.c).
 *
 * A slot counts the page-table entries that name it, and knows the page's id. While the page is in a frame
 * too it is in the swap cache: the slot knows the frame and the frame the slot, so that a clean page can be
 * dropped without being written again. Slots are given in ascending order, the next free one behind the last,
 * as a cluster is filled; pages that leave together can so be read back together.
 *
 * Left out: several swap areas and priorities, clusters by processor, zswap, discards.
 */

import { reserveArray } from "../../layout";
import { groupAt } from "./groups";

/** Slot 0 is the swap area's header. */
const FIRST: u32 = 1;
export const NO_SLOT: u32 = 0;
const NO_FRAME: u32 = u32.MAX_VALUE;

let slotCount: u32 = 0;
let used: u32 = 0;
let cached: u32 = 0;
let last: u32 = 0;
/**
 * By slot: entries that name it, u16; its cgroup, u8; the frame in the swap cache + 1, u32; the page's id,
 * u32.
 */
let users: usize = 0;
let groups: usize = 0;
let framesOf: usize = 0;
let ids: usize = 0;

/** Reserves swap space of so many pages. */
export function initSwap(pages: u32): void {
  slotCount = pages;
  users = reserveArray<u16>(pages + FIRST);
  groups = reserveArray<u8>(pages + FIRST);
  framesOf = reserveArray<u32>(pages + FIRST);
  ids = reserveArray<u32>(pages + FIRST);
}

export function swapPages(): u32 {
  return slotCount;
}

export function swapUsed(): u32 {
  return used;
}

/** Pages in the swap cache. */
export function swapCachePages(): u32 {
  return cached;
}

/** vm_swap_full: slots of pages that are back are then given up. */
export function swapIsFull(): bool {
  return <u64>used * 2 > slotCount;
}

/** Whether a page of the group can be given a slot. */
export function canSwap(group: u32): bool {
  return used < slotCount && groupAt(group).swapped < groupAt(group).swapMax;
}

/** Gives a page of a group in a frame a slot, and enters it in the swap cache; NO_SLOT when there is none. */
export function takeSlot(pfn: u32, id: u32, group: u32): u32 {
  if (!canSwap(group)) return NO_SLOT;
  let slot = last;
  do {
    slot = slot == slotCount ? FIRST : slot + 1;
  } while (!isFree(slot));
  last = slot;
  used++;
  groupAt(group).swapped++;
  store<u8>(groups + slot, <u8>group);
  store<u32>(ids + ((<usize>slot) << 2), id);
  enterCache(slot, pfn);
  return slot;
}

export function slotUsers(slot: u32): u32 {
  return load<u16>(users + ((<usize>slot) << 1));
}

/** An entry more names the slot. */
export function addSlotUser(slot: u32): void {
  assert(slotUsers(slot) < 65535);
  store<u16>(users + ((<usize>slot) << 1), <u16>(slotUsers(slot) + 1));
}

/** An entry fewer; true when the page is neither named nor cached any more, and the slot free. */
export function dropSlotUser(slot: u32): bool {
  const left = slotUsers(slot) - 1;
  assert(left != u32.MAX_VALUE);
  store<u16>(users + ((<usize>slot) << 1), <u16>left);
  return freeIfUnused(slot);
}

/** The frame of the slot's page in the swap cache, or NO_FRAME. */
export function slotFrame(slot: u32): u32 {
  return load<u32>(framesOf + ((<usize>slot) << 2)) - 1;
}

export function slotId(slot: u32): u32 {
  return load<u32>(ids + ((<usize>slot) << 2));
}

/** The cgroup that the slot is charged to. */
export function slotGroup(slot: u32): u32 {
  return load<u8>(groups + slot);
}

export function enterCache(slot: u32, pfn: u32): void {
  store<u32>(framesOf + ((<usize>slot) << 2), pfn + 1);
  cached++;
}

/** The page in the swap cache is in another frame. */
export function moveInCache(slot: u32, pfn: u32): void {
  store<u32>(framesOf + ((<usize>slot) << 2), pfn + 1);
}

/** The page leaves the swap cache; true when the slot is free then. */
export function leaveCache(slot: u32): bool {
  store<u32>(framesOf + ((<usize>slot) << 2), 0);
  cached--;
  return freeIfUnused(slot);
}

/** Whether the slot holds a page that is not in a frame. */
export function isSwappedOut(slot: u32): bool {
  return slot >= FIRST && slot <= slotCount && slotUsers(slot) != 0 && slotFrame(slot) == NO_FRAME;
}

function isFree(slot: u32): bool {
  return slotUsers(slot) == 0 && slotFrame(slot) == NO_FRAME;
}

function freeIfUnused(slot: u32): bool {
  if (!isFree(slot)) return false;
  used--;
  groupAt(load<u8>(groups + slot)).swapped--;
  return true;
}
