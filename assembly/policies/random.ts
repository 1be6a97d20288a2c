/**
 * Random: every resident page is as likely a victim as any other. Seeded, so that a run can be repeated: one
 * number is drawn, below the number of resident pages, and says which of their frames, in ascending order.
 */

import { isSparse } from "../core/frames";
import { ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { RankedSet } from "../lib/ranked_set";
import { Rng, rngAt } from "../lib/rng";

@unmanaged
@final
class Random extends ReplacementPolicy {
  private rngState: u64;
  private rngIncrement: u64;
  private frames: u32;

  about(): string {
    return `{
      "name": "random",
      "summary": "Evicts a page drawn at random (see --seed)",
      "paper": "L. A. Belady, A study of replacement algorithms for a virtual-storage computer, IBM Systems Journal 5(2), 1966",
      "parameters": []
    }`;
  }

  private get rng(): Rng {
    return changetype<Rng>(changetype<usize>(this) + offsetof<Random>("rngState"));
  }

  /** The frames to draw from, where these are not all; it stands behind the fields. */
  private get held(): RankedSet {
    return changetype<RankedSet>(changetype<usize>(this) + offsetof<Random>());
  }

  init(frames: u32, pages: u32): void {
    if (isSparse()) this.held.init(frames);
    this.frames = frames;
    rngAt(changetype<usize>(this.rng), 0);
  }

  onHit(pfn: u32, references: u32): void {}

  @inline
  victim(page: u32): u32 {
    if (!isSparse()) return this.rng.below(this.frames);
    const pfn = this.held.at(this.rng.below(this.held.count));
    this.held.remove(pfn);
    return pfn;
  }

  @inline
  onFill(pfn: u32, page: u32): void {
    if (isSparse()) this.held.add(pfn);
  }

  onRemove(pfn: u32): void {
    this.held.remove(pfn);
  }
}

register<Random>();
