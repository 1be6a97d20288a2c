/**
 * Clock, the second-chance algorithm: a hand sweeps the frames in a circle and evicts the first page that has
 * not been referenced since the hand last passed, clearing referenced bits on its way.
 *
 * A fill leaves the bit clear, so that a page must be used again to earn its second chance; with
 * `fill=referenced` the faulting reference counts, as in Corbató's paper. `bits=N` is the generalised clock
 * (Smith 1978; Nicola, Dan and Dias 1992): a saturating counter of references instead of a bit, which the
 * hand counts down.
 */

import { accessedAt, HeldFrames, isHeld, isSparse } from "../core/frames";
import { parameter, ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";

@unmanaged
@final
class Clock extends ReplacementPolicy {
  private frames: u32;
  private hand: u32;
  private countMax: u32;
  private countAtFill: u32;
  /** The frame table's accessed bits; as a field it is a load less for every hit than through frames.ts. */
  private accessed: usize;

  about(): string {
    return `{
      "name": "clock",
      "summary": "Second chance: a hand sweeps the frames and evicts the first page not referenced since it last passed",
      "paper": "F. J. Corbató, A paging experiment with the Multics system, MIT Project MAC memo MAC-M-384, 1968",
      "parameters": [
        { "name": "bits", "type": "integer", "default": 1, "min": 1, "max": 8,
          "summary": "width of the reference counter; more than 1 is the generalised clock" },
        { "name": "fill", "type": "choice", "default": "clear", "choices": ["clear", "referenced"],
          "summary": "whether the fault that brings a page in counts as a reference" }
      ]
    }`;
  }

  init(frames: u32, pages: u32): void {
    this.frames = frames;
    this.accessed = accessedAt();
    this.countMax = (1 << (<u32>parameter(0))) - 1;
    this.countAtFill = <u32>parameter(1);
  }

  @inline
  onHit(pfn: u32, references: u32): void {
    const at = this.accessed + pfn;
    if (this.countMax == 1) store<u8>(at, 1);
    else store<u8>(at, <u8>min(<u32>load<u8>(at) + references, this.countMax));
  }

  @inline
  victim(page: u32): u32 {
    let pfn = this.sweep(this.hand);
    if (isSparse()) pfn = this.sweepHeld(pfn);
    this.hand = pfn + 1 == this.frames ? 0 : pfn + 1;
    return pfn;
  }

  /** Takes it on, if it is at a frame without a page, to the next victim's. */
  private sweepHeld(from: u32): u32 {
    let pfn = from;
    while (!isHeld(pfn)) pfn = this.sweep(HeldFrames.around(pfn));
    return pfn;
  }

  /**
   * Takes the hand from frame `from` to the first with a count of 0, which frames without a page have
   * too.
   */
  @inline
  private sweep(from: u32): u32 {
    const accessed = this.accessed;
    const frames = this.frames;
    let pfn = from;
    for (;;) {
      const count = <u32>load<u8>(accessed + pfn);
      if (count == 0) break;
      store<u8>(accessed + pfn, <u8>(count - 1));
      pfn = pfn + 1 == frames ? 0 : pfn + 1;
    }
    return pfn;
  }

  @inline
  onFill(pfn: u32, page: u32): void {
    store<u8>(this.accessed + pfn, <u8>this.countAtFill);
  }

  /** The hand passes frames that are not held, which it knows by their count of 0. */
  onRemove(pfn: u32): void {
    store<u8>(this.accessed + pfn, 0);
  }
}

register<Clock>();
