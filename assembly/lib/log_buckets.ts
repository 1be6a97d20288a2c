/**
 * Logarithmic buckets for u64 values: each value below 256 has a bucket of its own, and each octave above has
 * 128 buckets, so that a bucket is narrower than 1 % of its values.
 *
 *     value    0 ... 255 │ 256 ... 511 in twos │ 512 ... 1,023 in fours │ ...
 *     bucket   0 ... 255 │ 256 ... 383         │ 384 ... 511            │ ...
 *
 * G. Tene's HdrHistogram does the same.
 */

const SPLIT_SHIFT: u32 = 7;
const SPLITS: u64 = 1 << SPLIT_SHIFT;

/** Buckets for all values. */
export const LOG_BUCKETS: u32 = 58 << SPLIT_SHIFT;

/** A class only because a method can be told to be inlined in syntax that every TypeScript tool reads. */
export class LogBuckets {
  /** The bucket of `value`. */
  @inline
  static of(value: u64): u32 {
    const shift = 63 - SPLIT_SHIFT - <u32>clz(value | SPLITS);
    return (shift << SPLIT_SHIFT) + <u32>(value >> shift);
  }
}

/** The first value of a bucket. */
export function bucketStart(bucket: u32): f64 {
  const octave = bucket >> SPLIT_SHIFT;
  if (octave == 0) return <f64>bucket;
  return <f64>(((<u64>bucket & (SPLITS - 1)) | SPLITS) << (octave - 1));
}

export function bucketCount(): u32 {
  return LOG_BUCKETS;
}
