/**
 * Reverse mapping: from a frame to the page-table entries that map it (mm/rmap.c). Where the kernel goes
 * through anon_vma and the file's interval tree, every mapping is on record here: the first with the frame
 * (core/frames.ts's tag), others in a chain. So what is found is the same, and the work to find it is not
 * that of the kernel.
 */

import { setTag, tagIn } from "../../core/frames";
import { shootDown } from "../../core/mmu";
import { VPN_MASK } from "../../core/runs";
import { reserveArray } from "../../layout";
import { giveBlock, takeBlock } from "../../lib/blocks";
import { largeTag } from "../huge/large_tag";
import { hasFlag, PG_LARGE } from "../page";
import { Process, processOf } from "./process";
import { findVma, VM_EXEC } from "./vma";

@unmanaged
@final
class Link {
  tag: u64;
  next: u32;
}

/** By frame: mappings, u32; and the chain of those behind the first, u32. */
let counts: usize = 0;
let chains: usize = 0;

export function initRmap(frames: u32): void {
  counts = reserveArray<u32>(frames);
  chains = reserveArray<u32>(frames);
}

/** How many entries map the frame. */
export function mapCount(pfn: u32): u32 {
  return load<u32>(counts + ((<usize>pfn) << 2));
}

/** The `index`th mapping of a frame that has so many; 0 is the cheapest. */
export function mappingOf(pfn: u32, index: u32): u64 {
  if (index == 0) return tagIn(pfn);
  let link = changetype<Link>(<usize>chainOf(pfn));
  for (; index > 1; index--) link = changetype<Link>(<usize>link.next);
  return link.tag;
}

/** False when there is no memory to note it. */
export function addMapping(pfn: u32, tag: u64): bool {
  const count = mapCount(pfn);
  if (count == 0) {
    setTag(pfn, tag);
  } else {
    const at = takeBlock(offsetof<Link>());
    if (at == 0) return false;
    const link = changetype<Link>(at);
    link.tag = tag;
    link.next = chainOf(pfn);
    setChain(pfn, <u32>at);
  }
  setCount(pfn, count + 1);
  return true;
}

/** All mappings of a frame are those of another, which has none. */
export function moveMappings(from: u32, to: u32): void {
  setTag(to, tagIn(from));
  setChain(to, chainOf(from));
  setCount(to, mapCount(from));
  setChain(from, 0);
  setCount(from, 0);
}

/** Forgets a mapping, and returns how many are left. */
export function removeMapping(pfn: u32, tag: u64): u32 {
  const count = mapCount(pfn) - 1;
  assert(count != u32.MAX_VALUE, "a frame without mappings loses one");
  const first = chainOf(pfn);
  if (tagIn(pfn) == tag) {
    if (count > 0) {
      setTag(pfn, changetype<Link>(<usize>first).tag);
      drop(pfn, 0, first);
    }
  } else {
    let before: u32 = 0;
    let at = first;
    while (changetype<Link>(<usize>at).tag != tag) {
      before = at;
      at = changetype<Link>(<usize>at).next;
      assert(at != 0, "a mapping that is not on record is removed");
    }
    drop(pfn, before, at);
  }
  setCount(pfn, count);
  return count;
}

/** No TLB knows the page any more; its entries stay. */
export function forgetTranslations(pfn: u32): void {
  const isLarge = hasFlag(pfn, PG_LARGE);
  for (let index: u32 = 0; index < mapCount(pfn); index++) {
    const tag = mappingOf(pfn, index);
    shootDown(isLarge ? largeTag(tag) : tag);
  }
}

export function processMapping(tag: u64): Process {
  return processOf(tag);
}

export function vpnMapped(tag: u64): u64 {
  return tag & VPN_MASK;
}

function drop(pfn: u32, before: u32, at: u32): void {
  const next = changetype<Link>(<usize>at).next;
  if (before == 0) setChain(pfn, next);
  else changetype<Link>(<usize>before).next = next;
  giveBlock(at, offsetof<Link>());
}

function chainOf(pfn: u32): u32 {
  return load<u32>(chains + ((<usize>pfn) << 2));
}

function setChain(pfn: u32, link: u32): void {
  store<u32>(chains + ((<usize>pfn) << 2), link);
}

function setCount(pfn: u32, count: u32): void {
  store<u32>(counts + ((<usize>pfn) << 2), count);
}

/** Whether code is run from the page: its first mapping is of an executable area. */
export function isExecutable(pfn: u32): bool {
  if (mapCount(pfn) == 0) return false;
  const tag = tagIn(pfn);
  const vma = findVma(processOf(tag), tag & VPN_MASK);
  return vma != null && (vma.flags & VM_EXEC) != 0;
}
