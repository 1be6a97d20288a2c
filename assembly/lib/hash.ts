/** The finalizer of A. Appleby's MurmurHash3, which gives no two pages the same hash. */
export class Hash {
  @inline
  static one(page: u32, base: u32): u32 {
    let hash = page + base;
    hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
    hash = (hash ^ (hash >> 13)) * 0xc2b2ae35;
    return hash ^ (hash >> 16);
  }

  @inline
  static four(pages: v128, base: v128): v128 {
    let hash = i32x4.add(pages, base);
    hash = i32x4.mul(v128.xor(hash, i32x4.shr_u(hash, 16)), i32x4.splat(0x85ebca6b));
    hash = i32x4.mul(v128.xor(hash, i32x4.shr_u(hash, 13)), i32x4.splat(0xc2b2ae35));
    return v128.xor(hash, i32x4.shr_u(hash, 16));
  }
}
