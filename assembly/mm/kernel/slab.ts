/**
 * SLUB, the slab allocator of Linux: kmem_cache_alloc and kmem_cache_free.
 *
 *     cache ─┬─ cpu 0: slab in use, its free objects; list of partial slabs (at most cpuPartialSlabs)
 *            ├─ cpu 1: ...
 *            └─ node: list of partial slabs; an empty slab goes back to the buddy allocator when the list has
 *               minPartial of them already
 *
 * A processor allocates from the free list of its slab, and frees to it what came from there: the fast path.
 * When that is empty it takes what others have freed to the slab meanwhile, then a slab of its partial list,
 * then some of the node's, then new pages. An object that is freed to a slab in which nothing was free puts
 * that slab on the partial list of the processor that frees. Free lists are last in, first out.
 *
 * An object is known by its physical address, pfn * 4096 + offset; 0 is NULL. Its bytes do not exist here, so
 * the free list is beside the slab: a link of 16 bits for each object, which also says that it is taken.
 *
 *     Slab │ list links, cache, pfn, counts │ u16 link[objects] │ u16 requested bytes[objects], if kept │
 *
 * Models mm/slub.c, Linux 6.12: slab_alloc_node, ___slab_alloc, get_partial_node, put_cpu_partial,
 * __put_partials, __slab_free, deactivate_slab, allocate_slab, kmem_cache_shrink, kmem_cache_destroy. Left
 * out: NUMA (one node), randomised and hardened free lists, debugging, sheaves (6.18, for few caches), the
 * locks, and in shrinking that partial slabs are sorted by how full they are.
 */

import { extend } from "../../layout";
import {
  GFP_COMP,
  GFP_DIRECT_RECLAIM,
  GFP_DMA,
  GFP_MOVABLE,
  GFP_NOFAIL,
  GFP_NORETRY,
  GFP_NOWARN,
  GFP_RECLAIM,
  GFP_RECLAIMABLE,
  GFP_ZONE_HIGHMEM,
} from "../physical/gfp";
import { NO_FRAME, SLAB, setPageState } from "../physical/mem_map";
import { allocPages, freePages } from "../physical/page_alloc";
import {
  CACHE_DMA,
  KEEPS_REQUESTS,
  objectsIn,
  orderOf,
  PAGE_BYTES,
  PAGE_SHIFT,
  RECLAIM_ACCOUNT,
} from "./geometry";
import { isSlabNote, noteOf, noteSlab } from "./page_notes";

/** What freeing came to. */
export const FREED: u32 = 0;
/** No object begins there, or one of another cache. */
export const INVALID_FREE: u32 = 1;
export const DOUBLE_FREE: u32 = 2;

/** Ends of free lists, and objects that are allocated, among the links. */
const NONE: u32 = 0xffff;
const TAKEN: u32 = 0xfffe;

/** Slabs of at most so many pages are divided by multiplication. */
const MULTIPLIED_ORDER_MAX: u32 = 4;

/**
 * In a list of partial slabs; the cache, which begins with the same two fields, is the node's list's head.
 */
@unmanaged
class Node {
  next: usize;
  previous: usize;
}

@unmanaged
@final
class Slab {
  /** In the list of a processor only `next` counts. */
  next: usize;
  previous: usize;
  cache: usize;
  pfn: u32;
  order: u32;
  objects: u32;
  /** Objects taken; those on the free list of a processor count. */
  inuse: u32;
  freelist: u32;
  /** Whether it is the slab of a processor. */
  frozen: u32;
  onNodeList: u32;
  /** In the list of a processor: slabs in the list from this one on. */
  slabs: u32;
}

@unmanaged
@final
export class Cache {
  next: usize;
  previous: usize;
  /** The distance of objects, and what is used of each. */
  size: u32;
  objectBytes: u32;
  align: u32;
  flags: u32;
  /** Caches of the same kind of object that share this one; 0 when it is destroyed. */
  users: u32;
  order: u32;
  objects: u32;
  reciprocal: u32;
  minPartial: u32;
  cpuPartialSlabs: u32;
  cpus: u32;
  /** Slabs in the node's list. */
  partialSlabs: u32;
  slabs: u32;
  pages: u32;
  slabObjects: u32;
  active: u32;
  /** Bytes that were asked for, of objects that are active; where they are kept. */
  requestedBytes: u64;
}

@unmanaged
@final
class CpuSlab {
  slab: usize;
  freelist: u32;
  partial: usize;
}

const CPU_SHIFT: usize = 4;
const CPU_AT: usize = offsetof<Cache>();
const LINKS_AT: usize = offsetof<Slab>();

/** Pages in slabs, unreclaimable and reclaimable: SUnreclaim and SReclaimable of /proc/meminfo. */
let unreclaimablePages: u32 = 0;
let reclaimablePages: u32 = 0;

/** Where the last object was allocated or looked for. */
let foundSlab: usize = 0;
let foundIndex: u32 = 0;

export function slabPages(reclaimable: bool): u32 {
  return reclaimable ? reclaimablePages : unreclaimablePages;
}

/** The bytes of a cache on a machine of so many processors. */
export function cacheBytes(cpus: u32): u32 {
  return <u32>(CPU_AT + ((<usize>cpus) << CPU_SHIFT));
}

/** Readies a cache whose geometry is set. */
export function initCache(cache: Cache): void {
  cache.next = changetype<usize>(cache);
  cache.previous = changetype<usize>(cache);
  cache.reciprocal = <u32>((((<u64>1) << 32) + cache.size - 1) / cache.size);
  cache.partialSlabs = 0;
  cache.slabs = 0;
  cache.pages = 0;
  cache.slabObjects = 0;
  cache.active = 0;
  cache.requestedBytes = 0;
  for (let cpu: u32 = 0; cpu < cache.cpus; cpu++) {
    const own = cpuSlab(cache, cpu);
    own.slab = 0;
    own.freelist = NONE;
    own.partial = 0;
  }
}

/** An object's address, or 0. */
export function allocObject(cache: Cache, cpu: u32, gfp: u32): u64 {
  const own = cpuSlab(cache, cpu);
  let index = own.freelist;
  if (index == NONE) {
    if (!refill(cache, own, gfp)) return 0;
    index = own.freelist;
  }
  const slab = own.slab;
  const link = slab + LINKS_AT + ((<usize>index) << 1);
  own.freelist = load<u16>(link);
  store<u16>(link, <u16>TAKEN);
  cache.active++;
  foundSlab = slab;
  foundIndex = index;
  return ((<u64>changetype<Slab>(slab).pfn) << PAGE_SHIFT) + index * cache.size;
}

/** Frees an object of whatever cache. */
export function freeObject(address: u64, cpu: u32): u32 {
  const status = find(address);
  if (status == FREED) release(cpu);
  return status;
}

/** Frees an object of `cache`. */
export function freeObjectOf(cache: Cache, address: u64, cpu: u32): u32 {
  const status = find(address);
  if (status != FREED) return status;
  if (changetype<Slab>(foundSlab).cache != changetype<usize>(cache)) return INVALID_FREE;
  release(cpu);
  return FREED;
}

/** The cache that an active object is of, or 0. */
export function cacheOf(address: u64): usize {
  return find(address) == FREED ? changetype<Slab>(foundSlab).cache : 0;
}

/** Of the object that was allocated or found last. */
export function requestedBytes(): u32 {
  return load<u16>(requestAt());
}

/** Notes how many bytes of the object that was allocated or found last were asked for. */
export function setRequestedBytes(bytes: u32): void {
  const at = requestAt();
  const cache = changetype<Cache>(changetype<Slab>(foundSlab).cache);
  cache.requestedBytes += bytes - <u64>load<u16>(at);
  store<u16>(at, <u16>bytes);
}

/** Objects that no one can be handed without new pages, as /proc/slabinfo counts active ones. */
export function busyObjects(cache: Cache): u32 {
  let free: u32 = 0;
  for (let at = cache.next; at != changetype<usize>(cache); at = changetype<Node>(at).next) {
    const slab = changetype<Slab>(at);
    free += slab.objects - slab.inuse;
  }
  return cache.slabObjects - free;
}

/** Gives all that processors keep to the node, and its empty slabs back. */
export function shrinkCache(cache: Cache): void {
  for (let cpu: u32 = 0; cpu < cache.cpus; cpu++) flush(cache, cpuSlab(cache, cpu));
  for (let at = cache.next; at != changetype<usize>(cache); ) {
    const slab = changetype<Slab>(at);
    at = slab.next;
    if (slab.inuse != 0) continue;
    removePartial(cache, slab);
    discard(cache, slab);
  }
}

// --- internal ---

function cpuSlab(cache: Cache, cpu: u32): CpuSlab {
  return changetype<CpuSlab>(changetype<usize>(cache) + CPU_AT + ((<usize>cpu) << CPU_SHIFT));
}

function linkAt(slab: Slab, index: u32): usize {
  return changetype<usize>(slab) + LINKS_AT + ((<usize>index) << 1);
}

function requestAt(): usize {
  const slab = changetype<Slab>(foundSlab);
  return linkAt(slab, slab.objects + foundIndex);
}

/** Finds the object at `address`: FREED when it is one that can be. */
function find(address: u64): u32 {
  const page = address >> PAGE_SHIFT;
  if (page > u32.MAX_VALUE) return INVALID_FREE;
  const note = noteOf(<u32>page);
  if (!isSlabNote(note)) return INVALID_FREE;
  const slab = changetype<Slab>(<usize>note);
  const cache = changetype<Cache>(slab.cache);
  const offset = <u32>(address - ((<u64>slab.pfn) << PAGE_SHIFT));
  const index =
    slab.order <= MULTIPLIED_ORDER_MAX ? <u32>((<u64>offset * cache.reciprocal) >> 32) : offset / cache.size;
  if (index >= slab.objects || index * cache.size != offset) return INVALID_FREE;
  if (load<u16>(linkAt(slab, index)) != TAKEN) return DOUBLE_FREE;
  foundSlab = changetype<usize>(slab);
  foundIndex = index;
  return FREED;
}

/** Frees the object that was found. */
function release(cpu: u32): void {
  const slab = changetype<Slab>(foundSlab);
  const cache = changetype<Cache>(slab.cache);
  const own = cpuSlab(cache, cpu);
  if (cache.flags & KEEPS_REQUESTS) setRequestedBytes(0);
  cache.active--;
  const at = linkAt(slab, foundIndex);
  if (own.slab == changetype<usize>(slab)) {
    store<u16>(at, <u16>own.freelist);
    own.freelist = foundIndex;
    return;
  }
  const prior = slab.freelist;
  store<u16>(at, <u16>prior);
  slab.freelist = foundIndex;
  slab.inuse--;
  if (slab.frozen) return;
  if (prior == NONE) putCpuPartial(cache, own, slab, true);
  else if (slab.inuse == 0 && slab.onNodeList && cache.partialSlabs >= cache.minPartial) {
    removePartial(cache, slab);
    discard(cache, slab);
  }
}

/** Gives a processor free objects; false when there is no memory. */
function refill(cache: Cache, own: CpuSlab, gfp: u32): bool {
  if (own.slab != 0) {
    const slab = changetype<Slab>(own.slab);
    if (slab.freelist != NONE) {
      freeze(own, slab);
      return true;
    }
    slab.frozen = 0;
    own.slab = 0;
  }
  let at = own.partial;
  if (at != 0) own.partial = changetype<Slab>(at).next;
  else {
    at = takePartial(cache, own);
    if (at == 0) at = newSlab(cache, gfp);
    if (at == 0) return false;
    // Reclaim on the way to the pages may have allocated from this cache itself.
    if (own.slab != 0) deactivate(cache, own);
  }
  freeze(own, changetype<Slab>(at));
  return true;
}

/** Makes a slab the processor's, with all that is free in it. */
function freeze(own: CpuSlab, slab: Slab): void {
  own.slab = changetype<usize>(slab);
  own.freelist = slab.freelist;
  slab.freelist = NONE;
  slab.inuse = slab.objects;
  slab.frozen = 1;
}

/** The first slab of the node's list, or 0; some more go to the processor. */
function takePartial(cache: Cache, own: CpuSlab): usize {
  const first = cache.next;
  if (first == changetype<usize>(cache)) return 0;
  removePartial(cache, changetype<Slab>(first));
  for (let more: u32 = 0; more <= cache.cpuPartialSlabs >> 1; more++) {
    const at = cache.next;
    if (at == changetype<usize>(cache)) break;
    const slab = changetype<Slab>(at);
    removePartial(cache, slab);
    putCpuPartial(cache, own, slab, false);
  }
  return first;
}

/** Puts a slab on a processor's list; a list that is full goes to the node first if `drain` is set. */
function putCpuPartial(cache: Cache, own: CpuSlab, slab: Slab, drain: bool): void {
  let old = own.partial;
  let slabs: u32 = old == 0 ? 0 : changetype<Slab>(old).slabs;
  let full: usize = 0;
  if (old != 0 && drain && slabs >= cache.cpuPartialSlabs) {
    full = old;
    old = 0;
    slabs = 0;
  }
  slab.slabs = slabs + 1;
  slab.next = old;
  own.partial = changetype<usize>(slab);
  putPartials(cache, full);
}

/** Hands a processor's list to the node. */
function putPartials(cache: Cache, first: usize): void {
  for (let at = first; at != 0; ) {
    const slab = changetype<Slab>(at);
    at = slab.next;
    if (slab.inuse == 0 && cache.partialSlabs >= cache.minPartial) discard(cache, slab);
    else addPartial(cache, slab, true);
  }
}

/** Takes everything from a processor. */
function flush(cache: Cache, own: CpuSlab): void {
  if (own.slab != 0) deactivate(cache, own);
  const partial = own.partial;
  own.partial = 0;
  putPartials(cache, partial);
}

function deactivate(cache: Cache, own: CpuSlab): void {
  const slab = changetype<Slab>(own.slab);
  const hadRemoteFrees = slab.freelist != NONE;
  if (own.freelist != NONE) {
    let last = own.freelist;
    let count: u32 = 1;
    for (let next = <u32>load<u16>(linkAt(slab, last)); next != NONE; count++) {
      last = next;
      next = load<u16>(linkAt(slab, last));
    }
    store<u16>(linkAt(slab, last), <u16>slab.freelist);
    slab.freelist = own.freelist;
    slab.inuse -= count;
  }
  own.slab = 0;
  own.freelist = NONE;
  slab.frozen = 0;
  if (slab.inuse == 0 && cache.partialSlabs >= cache.minPartial) discard(cache, slab);
  else if (slab.freelist != NONE) addPartial(cache, slab, hadRemoteFrees);
}

function addPartial(cache: Cache, slab: Slab, toTail: bool): void {
  const after = toTail ? cache.previous : changetype<usize>(cache);
  const before = changetype<Node>(after).next;
  slab.previous = after;
  slab.next = before;
  changetype<Node>(after).next = changetype<usize>(slab);
  changetype<Node>(before).previous = changetype<usize>(slab);
  slab.onNodeList = 1;
  cache.partialSlabs++;
}

function removePartial(cache: Cache, slab: Slab): void {
  changetype<Node>(slab.previous).next = slab.next;
  changetype<Node>(slab.next).previous = slab.previous;
  slab.onNodeList = 0;
  cache.partialSlabs--;
}

/** Pages as a slab, or 0: of the cache's order, or of the smallest that holds an object. */
function newSlab(cache: Cache, gfp: u32): usize {
  let flags = gfp & ~(GFP_ZONE_HIGHMEM | GFP_MOVABLE | GFP_RECLAIMABLE | GFP_DMA);
  flags |= GFP_COMP;
  if (cache.flags & RECLAIM_ACCOUNT) flags |= GFP_RECLAIMABLE;
  if (cache.flags & CACHE_DMA) flags |= GFP_DMA;
  let order = cache.order;
  const least = orderOf(cache.size);
  let first = (flags | GFP_NOWARN | GFP_NORETRY) & ~GFP_NOFAIL;
  if (flags & GFP_DIRECT_RECLAIM && order > least) first &= ~GFP_RECLAIM;
  let pfn = allocPages(order, first);
  if (pfn == NO_FRAME) {
    order = least;
    pfn = allocPages(order, flags);
    if (pfn == NO_FRAME) return 0;
  }
  const objects = order == cache.order ? cache.objects : objectsIn(order, cache.size);
  const at = takeDescriptor(descriptorBytes(cache, objects));
  if (at == 0) {
    freePages(pfn, order);
    return 0;
  }
  const slab = changetype<Slab>(at);
  slab.cache = changetype<usize>(cache);
  slab.pfn = pfn;
  slab.order = order;
  slab.objects = objects;
  slab.inuse = 0;
  slab.freelist = 0;
  slab.frozen = 0;
  slab.onNodeList = 0;
  for (let index: u32 = 0; index < objects; index++) {
    store<u16>(linkAt(slab, index), <u16>(index + 1 == objects ? NONE : index + 1));
  }
  if (cache.flags & KEEPS_REQUESTS) memory.fill(linkAt(slab, objects), 0, (<usize>objects) << 1);
  noteSlab(pfn, order, at);
  setPageState(pfn, SLAB);
  count(cache, order, <i32>objects, 1);
  return at;
}

function discard(cache: Cache, slab: Slab): void {
  const order = slab.order;
  noteSlab(slab.pfn, order, 0);
  freePages(slab.pfn, order);
  count(cache, order, -(<i32>slab.objects), -1);
  giveDescriptor(changetype<usize>(slab), descriptorBytes(cache, slab.objects));
}

/** Counts a slab that has come (`sign` 1) or gone (-1). */
function count(cache: Cache, order: u32, objects: i32, sign: i32): void {
  const pages = sign << order;
  cache.slabs += sign;
  cache.slabObjects += objects;
  cache.pages += pages;
  if (cache.flags & RECLAIM_ACCOUNT) reclaimablePages += pages;
  else unreclaimablePages += pages;
}

function descriptorBytes(cache: Cache, objects: u32): u32 {
  return <u32>LINKS_AT + (cache.flags & KEEPS_REQUESTS ? objects << 2 : objects << 1);
}

/** Free descriptors by the power of two that their bytes are rounded up to. */
const DESCRIPTORS: usize = memory.data(128, 16);

function takeDescriptor(bytes: u32): usize {
  const shift = 32 - <u32>clz(bytes - 1);
  const list = DESCRIPTORS + ((<usize>shift) << 2);
  const first = load<usize>(list);
  if (first == 0) return extend(1 << shift);
  store<usize>(list, load<usize>(first));
  return first;
}

function giveDescriptor(at: usize, bytes: u32): void {
  const list = DESCRIPTORS + ((<usize>(32 - <u32>clz(bytes - 1))) << 2);
  store<usize>(at, load<usize>(list));
  store<usize>(list, at);
}

assert(PAGE_BYTES << MULTIPLIED_ORDER_MAX <= 1 << 16);
