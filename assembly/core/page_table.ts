/**
 * A radix page table for every address space; walk.ts walks it.
 *
 * The shape is given level by level from the root (i386 10-10, PAE 2-9-9, x86-64 9-9-9-9, with five levels
 * 9-9-9-9-9; large pages drop the last levels). A node is an array of u32: the address of the next node, or
 * in a leaf the page's id + 1; 0 is "not present". Nodes are made when a page below them is first mapped, and
 * stay. The page's entry in the page map of frames.ts says whether it is resident.
 *
 * The memory manager (mm/virtual/page_tables.ts) makes and frees nodes by itself and keeps its own entries in
 * leaves. An odd entry above the leaves, where addresses are even, is the entry of a large page.
 *
 * Intel SDM vol. 3A, 4.2 to 4.5 (paging modes).
 */

import { extend } from "../layout";
import { ASID_SHIFT, tagsAt, VPN_MASK } from "./runs";

const LEVELS_MAX = 6;
const ADDRESS_SPACES = 4096;

/** Per depth: the shift and the mask that take its index out of a vpn. */
const SHIFT: usize = memory.data(LEVELS_MAX << 2, 16);
const MASK: usize = memory.data(LEVELS_MAX << 2, 16);
const ROOTS: usize = memory.data(ADDRESS_SPACES << 2, 16);
/** The nodes that the last walk or mapping went through, by depth. */
const PATH: usize = memory.data(LEVELS_MAX << 2, 16);

let pathEnd: u32 = 0;

/** Stands for the page of a tag that was never mapped. */
export const NO_PAGE: u32 = u32.MAX_VALUE;

let levels: u32 = 0;
let vpnBits: u32 = 0;
let signExtended: bool = true;

/** Adds a level below those added so far. */
export function addLevel(bits: u32): void {
  for (let depth: u32 = 0; depth < levels; depth++) {
    store<u32>(SHIFT + (depth << 2), load<u32>(SHIFT + (depth << 2)) + bits);
  }
  store<u32>(SHIFT + (levels << 2), 0);
  store<u32>(MASK + (levels << 2), (1 << bits) - 1);
  levels++;
  vpnBits += bits;
}

/** Whether addresses are sign-extended from their highest indexed bit (64-bit machines) or end there. */
export function setSignExtended(value: bool): void {
  signExtended = value;
}

/**
 * The first of `count` runs whose address the table cannot index: beyond its bits, or not sign-extended where
 * it should be; `count` when all fit. `objects` says that tags are ids of 64 bits. Must come before anything
 * looks such pages up, for upper bits are ignored there.
 */
export function firstUnfitRun(count: u32, pageShift: u32, objects: bool): u32 {
  const tags = tagsAt();
  if (objects) return firstUnfitObject(tags, count);
  const top = vpnBits - <u32>signExtended;
  let seen: u64 = 0;
  for (let run: u32 = 0; run < count; run++) seen |= load<u64>(tags + ((<usize>run) << 3));
  if ((seen & VPN_MASK) >> top == 0) return count;
  const ones = (u64.MAX_VALUE >> pageShift) >> top;
  for (let run: u32 = 0; run < count; run++) {
    const upper = (load<u64>(tags + ((<usize>run) << 3)) & VPN_MASK) >> top;
    if (upper != 0 && !(signExtended && upper == ones)) return run;
  }
  return count;
}

/** Objects have no address space, and their ids are not sign-extended. */
function firstUnfitObject(tags: usize, count: u32): u32 {
  const top = vpnBits - <u32>signExtended;
  for (let run: u32 = 0; run < count; run++) {
    if (load<u64>(tags + ((<usize>run) << 3)) >> top != 0) return run;
  }
  return count;
}

export function depthShift(depth: u32): u32 {
  return load<u32>(SHIFT + (depth << 2));
}

export function leafDepth(): u32 {
  return levels - 1;
}

/** The node at `depth` on the path of the last walk or mapping. */
export function pathNode(depth: u32): u32 {
  return load<u32>(PATH + (depth << 2));
}

export function setPathNode(depth: u32, node: u32): void {
  store<u32>(PATH + (depth << 2), node);
}

/** The depth of the path's last node: the leaf's, or above it for a large page. */
export function pathEndDepth(): u32 {
  return pathEnd;
}

export function setPathEnd(depth: u32): void {
  pathEnd = depth;
}

/** The entry for `tag` in a node at `depth`. */
export function entryIn(node: u32, tag: u64, depth: u32): u32 {
  return load<u32>(slot(node, tag, depth));
}

/** The page id of `tag` without counting anything, or `NO_PAGE`; leaves its path in `PATH`. */
export function find(tag: u64): u32 {
  let node = rootOf(tag);
  const leaf = levels - 1;
  for (let depth: u32 = 0; node != 0; depth++) {
    store<u32>(PATH + (depth << 2), node);
    pathEnd = depth;
    const entry = load<u32>(slot(node, tag, depth));
    if (depth == leaf || entry & 1) return entry - 1;
    node = entry;
  }
  return NO_PAGE;
}

/** Maps `tag` to `page`, making the nodes that are missing. False when there is no memory for them. */
export function map(tag: u64, page: u32): bool {
  let at = ROOTS + ((<usize>(tag >> ASID_SHIFT)) << 2);
  for (let depth: u32 = 0; depth < levels; depth++) {
    let node = load<u32>(at);
    if (node == 0) {
      node = <u32>extend((load<u32>(MASK + (depth << 2)) + 1) << 2);
      if (node == 0) return false;
      store<u32>(at, node);
    }
    store<u32>(PATH + (depth << 2), node);
    at = slot(node, tag, depth);
  }
  store<u32>(at, page + 1);
  return true;
}

/** Gives an address space its root node; 0 takes it away. */
export function setRoot(space: u64, node: u32): void {
  store<u32>(ROOTS + ((<usize>(space >> ASID_SHIFT)) << 2), node);
}

/** Address of the entry for `tag` in a node at `depth`. */
export function entryAt(node: u32, tag: u64, depth: u32): usize {
  return slot(node, tag, depth);
}

/** Entries of a node at `depth`. */
export function entriesAt(depth: u32): u32 {
  return load<u32>(MASK + (depth << 2)) + 1;
}

/** The root node of the address space of `tag`; 0 before its first page. */
export function rootOf(tag: u64): u32 {
  return load<u32>(ROOTS + ((<usize>(tag >> ASID_SHIFT)) << 2));
}

function slot(node: u32, tag: u64, depth: u32): usize {
  const index = <u32>((tag & VPN_MASK) >> load<u32>(SHIFT + (depth << 2))) & load<u32>(MASK + (depth << 2));
  return <usize>node + (index << 2);
}
