/**
 * Hyperbolic caching: the priority of a page is n / t, its references since it came in, the faulting one
 * included, for the time since then. The priorities of all pages fall all the time and at different speeds,
 * so that no structure could keep them in order; some pages are drawn at random, and of these the one with
 * the lowest priority goes.
 *
 * Time is counted in references. n and t are whole numbers, exact in f64, and IEEE 754 leaves no choice in
 * how their quotient is rounded: runs are repeatable to the last bit on every machine.
 *
 * Frames are drawn with replacement, as libCacheSim does; of equal priorities the first drawn goes. With no
 * more frames than `samples` all are looked at, in order, and none is drawn. What the paper adds for costs,
 * sizes and expiry has no meaning for pages.
 */

import { isSparse, residentPages } from "../core/frames";
import { parameter, ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { reserve } from "../layout";
import { RankedSet } from "../lib/ranked_set";
import { Rng, rngAt } from "../lib/rng";

/** What is kept for a frame: 16 bytes. */
@unmanaged
@final
class Tenure {
  references: u64;
  /** The number of the reference that brought the page in. */
  since: u64;
}

@unmanaged
@final
class Hyperbolic extends ReplacementPolicy {
  private rngState: u64;
  private rngIncrement: u64;
  /** The number of the last reference. */
  private now: u64;
  private samples: u32;
  private tenures: usize;
  private held0: u64;

  about(): string {
    return `{
      "name": "hyperbolic",
      "summary": "Hyperbolic caching: of some pages drawn at random (see --seed), evicts the one with the fewest references for its time in memory",
      "paper": "A. Blankstein, S. Sen, M. J. Freedman, Hyperbolic caching: flexible caching for web applications, USENIX ATC 2017",
      "parameters": [
        { "name": "samples", "type": "integer", "default": 64, "min": 1, "max": 4294967295,
          "summary": "pages drawn for an eviction; all are looked at if there are no more" }
      ]
    }`;
  }

  private get rng(): Rng {
    return changetype<Rng>(changetype<usize>(this) + offsetof<Hyperbolic>("rngState"));
  }

  /** The frames to draw from, where these are not all; it stands at the end of the fields. */
  private get held(): RankedSet {
    return changetype<RankedSet>(changetype<usize>(this) + offsetof<Hyperbolic>("held0"));
  }

  init(frames: u32, pages: u32): void {
    if (isSparse()) this.held.init(frames);
    this.samples = <u32>parameter(0);
    this.tenures = reserve(<u64>frames * offsetof<Tenure>());
    rngAt(changetype<usize>(this.rng), 0);
  }

  onHit(pfn: u32, references: u32): void {
    this.now += references;
    this.tenure(pfn).references += references;
  }

  victim(page: u32): u32 {
    const sparse = isSparse();
    const resident = residentPages();
    const all = resident <= this.samples;
    const candidates = all ? resident : this.samples;
    const time = this.now + 1;
    let victim: u32 = 0;
    let lowest = f64.MAX_VALUE;
    for (let i: u32 = 0; i < candidates; i++) {
      const rank = all ? i : this.rng.below(resident);
      const pfn = sparse ? this.held.at(rank) : rank;
      const tenure = this.tenure(pfn);
      const priority = <f64>tenure.references / <f64>(time - tenure.since);
      if (priority < lowest) {
        lowest = priority;
        victim = pfn;
      }
    }
    if (sparse) this.held.remove(victim);
    return victim;
  }

  onFill(pfn: u32, page: u32): void {
    const tenure = this.tenure(pfn);
    tenure.references = 1;
    tenure.since = ++this.now;
    if (isSparse()) this.held.add(pfn);
  }

  onRemove(pfn: u32): void {
    this.held.remove(pfn);
  }

  private tenure(pfn: u32): Tenure {
    return changetype<Tenure>(this.tenures + ((<usize>pfn) << 4));
  }
}

register<Hyperbolic>();
