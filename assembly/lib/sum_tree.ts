/**
 * An array of u64 counts, zero at the start, with the sums of each 8 in a second array, of each 64 in a
 * third, and so on: finds the element in which the n-th unit lies by looking at one group of 8, a cache line,
 * at each level.
 */

import { reserve } from "../layout";

const FANOUT_SHIFT: u32 = 3;
const GROUP_SHIFT: usize = 6;
const LEVELS_MAX: u32 = 11;

@unmanaged
@final
export class SumTree {
  /** Units in all. */
  total: u64;
  /** By how many units the place that `find` looked for lies inside its element. */
  rest: u64;
  private length: u32;
  private levels: u32;
  /** Addresses of the levels, from the array itself up, LEVELS_MAX words; see `level`. */
  private bases: usize;

  /** `bases` is room for 44 bytes. */
  init(length: u32, bases: usize): void {
    this.length = length;
    this.bases = bases;
    this.levels = 0;
    let nodes = length;
    do {
      const groups = (nodes >> FANOUT_SHIFT) + 1;
      store<usize>(bases + ((<usize>this.levels) << 2), reserve((<u64>groups) << GROUP_SHIFT));
      this.levels++;
      nodes = groups;
    } while (nodes > 1 && this.levels < LEVELS_MAX);
  }

  /** The array itself; `sum` must be called after it has been written to. */
  get counts(): usize {
    return this.level(0);
  }

  /** Sums the array anew. */
  sum(): void {
    let nodes = this.length;
    for (let level: u32 = 1; level < this.levels; level++) {
      const below = this.level(level - 1);
      const sums = this.level(level);
      nodes = (nodes >> FANOUT_SHIFT) + 1;
      for (let node: u32 = 0; node < nodes; node++) {
        store<u64>(sums + ((<usize>node) << 3), SumTree.sumOf(below + ((<usize>node) << GROUP_SHIFT)));
      }
    }
    this.total = SumTree.sumOf(this.level(this.levels - 1));
  }

  add(index: u32, units: i64): void {
    let node = index;
    for (let level: u32 = 0; level < this.levels; level++) {
      const at = this.level(level) + ((<usize>node) << 3);
      store<u64>(at, load<u64>(at) + units);
      node >>= FANOUT_SHIFT;
    }
    this.total += units;
  }

  /** The element in which unit number `unit`, below the total, lies. */
  find(unit: u64): u32 {
    let rest = unit;
    let node: u32 = 0;
    for (let level = this.levels; level > 0; level--) {
      let at = this.level(level - 1) + ((<usize>node) << GROUP_SHIFT);
      node <<= FANOUT_SHIFT;
      for (let count = load<u64>(at); rest >= count; count = load<u64>(at)) {
        rest -= count;
        node++;
        at += 8;
      }
    }
    this.rest = rest;
    return node;
  }

  private level(level: u32): usize {
    return load<usize>(this.bases + ((<usize>level) << 2));
  }

  private static sumOf(group: usize): u64 {
    let sum: u64 = 0;
    for (let at: usize = 0; at < 64; at += 8) sum += load<u64>(group + at);
    return sum;
  }
}
