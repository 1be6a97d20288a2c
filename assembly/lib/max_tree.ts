/**
 * An array of u32 keys, zero at the start, with the greatest of each 16 in a second array, of each 256 in a
 * third, and so on: finds the last element before a place whose key is above a bound by looking at one node
 * of 16 at each level, up and down again.
 */

import { reserve } from "../layout";

const FANOUT_SHIFT: u32 = 4;
const LEVELS_MAX: u32 = 8;

@unmanaged
@final
export class MaxTree {
  /** Addresses of the levels, from the array itself up. */
  private level0: usize;
  private level1: usize;
  private level2: usize;
  private level3: usize;
  private level4: usize;
  private level5: usize;
  private level6: usize;
  private level7: usize;
  private levels: u32;

  init(length: u32): void {
    this.levels = 0;
    let keys = length;
    do {
      const nodes = (keys >> FANOUT_SHIFT) + 1;
      store<usize>(changetype<usize>(this) + ((<usize>this.levels) << 2), reserve((<u64>nodes) << 6));
      this.levels++;
      keys = nodes;
    } while (keys > 1 && this.levels < LEVELS_MAX);
  }

  set(index: u32, key: u32): void {
    store<u32>(this.level(0) + ((<usize>index) << 2), key);
    let at = index;
    for (let level: u32 = 1; level < this.levels; level++) {
      const node = this.level(level - 1) + ((<usize>(at >> FANOUT_SHIFT)) << 6);
      at >>= FANOUT_SHIFT;
      const parent = this.level(level) + ((<usize>at) << 2);
      const greatest = MaxTree.greatest(node);
      if (load<u32>(parent) == greatest) return;
      store<u32>(parent, greatest);
    }
  }

  /** The last index below `end` whose key is above `key`, or `u32.MAX_VALUE`. */
  lastAbove(end: u32, key: u32): u32 {
    let at = end;
    for (let level: u32 = 0; level < this.levels; level++) {
      const node = at >> FANOUT_SHIFT;
      const earlier = ((<u32>1) << (at & 15)) - 1;
      const found = MaxTree.above(this.level(level) + ((<usize>node) << 6), key) & earlier;
      if (found != 0) return this.descend(level, (node << FANOUT_SHIFT) + 31 - <u32>clz(found), key);
      at = node;
    }
    return u32.MAX_VALUE;
  }

  /** Empties the first `length` elements, of which no later one may be in use. */
  clear(length: u32): void {
    let keys = length;
    for (let level: u32 = 0; level < this.levels; level++) {
      const nodes = (keys >> FANOUT_SHIFT) + 1;
      memory.fill(this.level(level), 0, (<usize>nodes) << 6);
      keys = nodes;
    }
  }

  private descend(level: u32, index: u32, key: u32): u32 {
    let at = index;
    while (level > 0) {
      level--;
      at = (at << FANOUT_SHIFT) + 31 - <u32>clz(MaxTree.above(this.level(level) + ((<usize>at) << 6), key));
    }
    return at;
  }

  private level(level: u32): usize {
    return load<usize>(changetype<usize>(this) + ((<usize>level) << 2));
  }

  /** A bit for each key of a node that is above `key`. */
  @inline
  private static above(node: usize, key: u32): u32 {
    const bound = i32x4.splat(key);
    const first = i32x4.gt_u(v128.load(node), bound);
    const second = i32x4.gt_u(v128.load(node, 16), bound);
    const third = i32x4.gt_u(v128.load(node, 32), bound);
    const fourth = i32x4.gt_u(v128.load(node, 48), bound);
    const low = i16x8.narrow_i32x4_s(first, second);
    const high = i16x8.narrow_i32x4_s(third, fourth);
    return <u32>i8x16.bitmask(i8x16.narrow_i16x8_s(low, high));
  }

  @inline
  private static greatest(node: usize): u32 {
    const low = i32x4.max_u(v128.load(node), v128.load(node, 16));
    const four = i32x4.max_u(low, i32x4.max_u(v128.load(node, 32), v128.load(node, 48)));
    const two = i32x4.max_u(four, i32x4.shuffle(four, four, 2, 3, 0, 1));
    return max(<u32>i32x4.extract_lane(two, 0), <u32>i32x4.extract_lane(two, 1));
  }
}
