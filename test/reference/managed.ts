/*
 * The page frames of a machine whose memory manager takes pages away: pages are loaded into any free
 * frame, cease to exist (unmapped, or their process has ended), and are reclaimed ahead of need.
 *
 * Why: the page frame database of any kernel, from a replacement policy's point of view; in Linux the
 * LRU lists see pages come by folio_add_lru, go by lruvec_del_folio when they are freed or locked, and
 * chosen by shrink_folio_list, in batches and by kswapd, before anybody waits for the frame.
 */

import type { PageId, PolicyContext, PolicyParams, SlowPolicy } from "./policies/contract.ts";
import { type PolicyName, policies } from "./policies/index.ts";

export interface ManagedOptions {
  /** All of the machine's, the kernel's own among them. */
  frames: number;
  policy: PolicyName;
  params?: PolicyParams;
  random?: (n: number) => number;
}

export class ManagedFrames {
  readonly policy: SlowPolicy;
  /** Pages that the policy had written back where they are. */
  cleaned = 0;
  /** How many pages the policy had to choose among when a victim was last asked for. */
  capacity: number;
  /** By pfn: every page that is in memory, and those that the policy can choose. */
  readonly pages = new Map<number, PageId>();
  readonly held = new Set<number>();
  readonly dirty = new Set<PageId>();
  /** References so far, and of which the policy was last told that it comes. */
  #position = 0;
  #announced = -1;

  constructor({ frames, policy, params = {}, random }: ManagedOptions) {
    this.capacity = frames;
    const context: PolicyContext = {
      frames,
      capacity: () => this.capacity,
      heldFrames: () => [...this.held].sort((a, b) => a - b),
      params,
      isDirty: (page) => this.dirty.has(page),
      clean: (page) => {
        if (this.dirty.delete(page)) this.cleaned += 1;
      },
      frameOf: (page) => this.frameOf(page),
      pageAt: (pfn) => this.pages.get(pfn)!,
      random: (n) => random!(n),
    };
    this.policy = policies[policy](context);
  }

  frameOf(page: PageId): number {
    for (const [pfn, other] of this.pages) if (other === page) return pfn;
    throw new Error(`page ${page} is not resident`);
  }

  /** A page is loaded, or one that was loaded already is given to the policy. */
  fill(pfn: number, page: PageId): void {
    this.#announce();
    this.policy.recall?.(page);
    this.pages.set(pfn, page);
    this.held.add(pfn);
    this.policy.fill(page);
    this.#position += 1;
  }

  hit(pfn: number, references: number): void {
    for (let i = 0; i < references; i += 1) {
      this.#announce();
      this.policy.hit(this.pages.get(pfn)!);
      this.#position += 1;
    }
  }

  write(pfn: number): void {
    this.dirty.add(this.pages.get(pfn)!);
  }

  /** The frame of the page that shall go; `pageNone` is the number of no page. */
  victim(pageNone: PageId): number {
    this.capacity = this.held.size;
    this.#announce();
    const pfn = this.frameOf(this.policy.victim(pageNone));
    this.held.delete(pfn);
    return pfn;
  }

  /** The page of a victim leaves; if this is not called, it is given to the policy anew. */
  evict(pfn: number): void {
    this.policy.evicted?.(this.pages.get(pfn)!);
    this.empty(pfn);
  }

  /** The policy does not see the page any more; it may stay where it is, locked. */
  remove(pfn: number): void {
    this.policy.remove!(this.pages.get(pfn)!);
    this.held.delete(pfn);
  }

  forget(page: PageId): void {
    this.policy.forget?.(page);
  }

  /** The frame is free. */
  empty(pfn: number): void {
    this.dirty.delete(this.pages.get(pfn)!);
    this.pages.delete(pfn);
  }

  #announce(): void {
    if (this.#announced === this.#position) return;
    this.#announced = this.#position;
    this.policy.onReference?.(this.#position);
  }
}
