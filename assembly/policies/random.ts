/**
 * Random: every resident page is as likely a victim as any other. Seeded, so that a run can be repeated.
 */

import { ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
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

  init(frames: u32, pages: u32): void {
    this.frames = frames;
    rngAt(changetype<usize>(this.rng), 0);
  }

  onHit(pfn: u32, references: u32): void {}

  victim(page: u32): u32 {
    return this.rng.below(this.frames);
  }

  onFill(pfn: u32, page: u32): void {}
}

register<Random>();
