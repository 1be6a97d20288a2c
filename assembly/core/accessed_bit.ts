/**
 * A policy that only sets accessed bits: the memory manager's own lists, which are Linux's, look at nothing
 * else, and are scanned elsewhere (mm/reclaim). It chooses no pages and is not in the registry.
 */

import { accessedAt } from "./frames";
import { policyState, ReplacementPolicy } from "./policy";

@unmanaged
@final
export class AccessedBit extends ReplacementPolicy {
  private accessed: usize;

  about(): string {
    return "";
  }

  init(frames: u32, pages: u32): void {
    this.accessed = accessedAt();
  }

  @inline
  onHit(pfn: u32, references: u32): void {
    store<u8>(this.accessed + pfn, 1);
  }

  victim(page: u32): u32 {
    return 0;
  }

  onFill(pfn: u32, page: u32): void {}
}

/** Makes it the instance's policy. */
export function initAccessedBit(): void {
  policyState<AccessedBit>().init(0, 0);
}
