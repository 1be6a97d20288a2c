/**
 * What TypeScript calls: the same with addresses as f64s, which hold every address of a physical memory below
 * 8 PiB exactly.
 */

import { cacheAlloc, cacheFree } from "./caches";
import { kfree, kmalloc, kmallocRequested, krealloc, ksize } from "./kmalloc";

/** An address that nothing is at, for what is no address. */
const NOWHERE: u64 = u64.MAX_VALUE;
const EXACT_MAX: f64 = 9007199254740991;

export function slabAlloc(number: u32, cpu: u32, gfp: u32): f64 {
  return <f64>cacheAlloc(number, cpu, gfp);
}

export function slabFree(number: u32, address: f64, cpu: u32): u32 {
  return cacheFree(number, exact(address), cpu);
}

export function kmallocBytes(bytes: u32, gfp: u32, cpu: u32): f64 {
  return <f64>kmalloc(bytes, gfp, cpu);
}

export function kfreeAddress(address: f64, cpu: u32): u32 {
  return kfree(exact(address), cpu);
}

export function ksizeOf(address: f64): u32 {
  return ksize(exact(address));
}

export function kreallocBytes(address: f64, bytes: u32, gfp: u32, cpu: u32): f64 {
  return <f64>krealloc(exact(address), bytes, gfp, cpu);
}

export function requestedAt(address: f64): u32 {
  return kmallocRequested(exact(address));
}

function exact(address: f64): u64 {
  return address >= 0 && address <= EXACT_MAX && floor(address) == address ? <u64>address : NOWHERE;
}
