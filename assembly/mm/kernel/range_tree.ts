/**
 * Ranges of page numbers that do not overlap, in the order of their starts, with the longest of each subtree:
 * the lowest that has room for so many pages is found without looking at those that have not.
 *
 * The tree is a treap (R. Seidel, C. R. Aragon, "Randomized Search Trees", Algorithmica 16, 1996) whose
 * priorities are hashes of the starts, so its shape follows from what is in it. Linux has an augmented
 * red-black tree in its place (free_vmap_area_root, subtree_max_size); what it finds is the same.
 */

import { extend } from "../../layout";

/** A range, and what it stands for in the tree of areas. */
@unmanaged
@final
export class Range {
  left: usize;
  right: usize;
  start: u32;
  pages: u32;
  /** The most pages that a range of this subtree has. */
  longest: u32;
  /** Of an area: its first page frame, how many there are, and what it was allocated for. */
  firstPfn: u32;
  frames: u32;
  tag: u32;
  /** The addresses of what the kernel keeps for it: vmap_area, vm_struct, and the array of its pages. */
  record: u64;
  struct: u64;
  pageArray: f64;
}

let spare: usize = 0;

/** A new range, in no tree; 0 when the engine's memory has run out. */
export function newRange(start: u32, pages: u32): usize {
  let at = spare;
  if (at != 0) spare = changetype<Range>(at).left;
  else {
    at = extend(offsetof<Range>());
    if (at == 0) return 0;
  }
  const range = changetype<Range>(at);
  range.left = 0;
  range.right = 0;
  range.start = start;
  range.pages = pages;
  range.longest = pages;
  return at;
}

export function dropRange(at: usize): void {
  changetype<Range>(at).left = spare;
  spare = at;
}

/** Puts a range in; the new root. */
export function insertRange(root: usize, at: usize): usize {
  if (root == 0) return at;
  const node = changetype<Range>(root);
  const range = changetype<Range>(at);
  if (priority(range.start) > priority(node.start)) {
    split(root, range.start);
    range.left = lower;
    range.right = upper;
    refresh(range);
    return at;
  }
  if (range.start < node.start) node.left = insertRange(node.left, at);
  else node.right = insertRange(node.right, at);
  refresh(node);
  return root;
}

/** Takes the range that starts at `start` out, which must be there; the new root. */
export function removeRange(root: usize, start: u32): usize {
  const node = changetype<Range>(root);
  if (node.start == start) {
    const joined = join(node.left, node.right);
    node.left = 0;
    node.right = 0;
    return joined;
  }
  if (start < node.start) node.left = removeRange(node.left, start);
  else node.right = removeRange(node.right, start);
  refresh(node);
  return root;
}

/** The range that starts at `start`, or 0. */
export function rangeAt(root: usize, start: u32): usize {
  let at = root;
  while (at != 0) {
    const node = changetype<Range>(at);
    if (node.start == start) return at;
    at = start < node.start ? node.left : node.right;
  }
  return 0;
}

/** The last range that starts before `end`, or 0. */
export function rangeBefore(root: usize, end: u32): usize {
  let at = root;
  let found: usize = 0;
  while (at != 0) {
    const node = changetype<Range>(at);
    if (node.start < end) {
      found = at;
      at = node.right;
    } else at = node.left;
  }
  return found;
}

/** The first range that starts at `start` or behind it, or 0. */
export function rangeFrom(root: usize, start: u32): usize {
  let at = root;
  let found: usize = 0;
  while (at != 0) {
    const node = changetype<Range>(at);
    if (node.start >= start) {
      found = at;
      at = node.left;
    } else at = node.right;
  }
  return found;
}

/** The lowest range of at least `pages` pages, or 0. */
export function lowestFit(root: usize, pages: u32): usize {
  let at = root;
  while (at != 0) {
    const node = changetype<Range>(at);
    if (node.longest < pages) return 0;
    if (longestOf(node.left) >= pages) at = node.left;
    else if (node.pages >= pages) return at;
    else at = node.right;
  }
  return 0;
}

export function longestOf(root: usize): u32 {
  return root == 0 ? 0 : changetype<Range>(root).longest;
}

// --- internal ---

/** What `split` has made. */
let lower: usize = 0;
let upper: usize = 0;

function priority(start: u32): u32 {
  const mixed = (start ^ (start >> 16)) * 0x85ebca6b;
  return (mixed ^ (mixed >> 13)) * 0xc2b2ae35;
}

function refresh(node: Range): void {
  node.longest = max(node.pages, max(longestOf(node.left), longestOf(node.right)));
}

/** Divides a tree into what starts before `start` and the rest. */
function split(root: usize, start: u32): void {
  if (root == 0) {
    lower = 0;
    upper = 0;
    return;
  }
  const node = changetype<Range>(root);
  if (node.start < start) {
    split(node.right, start);
    node.right = lower;
    lower = root;
  } else {
    split(node.left, start);
    node.left = upper;
    upper = root;
  }
  refresh(node);
}

/** One tree of two, of which all of the first is before the second. */
function join(first: usize, second: usize): usize {
  if (first == 0) return second;
  if (second == 0) return first;
  const low = changetype<Range>(first);
  const high = changetype<Range>(second);
  if (priority(low.start) > priority(high.start)) {
    low.right = join(low.right, second);
    refresh(low);
    return first;
  }
  high.left = join(first, high.left);
  refresh(high);
  return second;
}
