/*
 * What a page replacement policy is told, and what it is asked.
 *
 * Why: the simulators and the policies meet only here. A policy sees pages as opaque numbers, which
 * sit in page frames 0, 1, 2, ... The split into "which page leaves" (the policy) and "what happens
 * then" (the simulator) is that of L. A. Belady, "A study of replacement algorithms for a
 * virtual-storage computer", IBM Systems Journal 5(2), 1966.
 */

/** A page: an opaque number, given out by first touch. */
export type PageId = number;

export interface SlowPolicy {
  /** Called before reference `position` (from 0) is processed, for every reference there is. */
  onReference?(position: number): void;
  /** A resident page is referenced. */
  hit(page: PageId): void;
  /** Every frame is taken: the page that leaves to make room. */
  victim(incoming: PageId): PageId;
  /** The page that was named has left. */
  evicted?(page: PageId): void;
  /** A page was loaded after a fault; it is in its frame already. */
  fill(page: PageId): void;
  /** A page is about to be loaded into a free frame, and no victim was asked for on its behalf. */
  recall?(page: PageId): void;
  /** A resident page has ceased to exist: from now on it is as if it had never been there. */
  remove?(page: PageId): void;
  /** The same of a page that is not resident. */
  forget?(page: PageId): void;
}

/** What the simulator lets a policy see. */
export interface PolicyContext {
  frames: number;
  /**
   * Where frames come and go: how many pages were resident when a victim was last asked for, and until then
   * all frames. Elsewhere as many as there are frames.
   */
  capacity(): number;
  /** The frames that hold a page, ascending. */
  heldFrames(): number[];
  params: PolicyParams;
  isDirty(page: PageId): boolean;
  /** Writes a resident page back, if it is dirty, and leaves it where it is, clean. */
  clean(page: PageId): void;
  /** The pfn of a resident page. */
  frameOf(page: PageId): number;
  /** The page in a frame that is taken. */
  pageAt(pfn: number): PageId;
  /** A random whole number, at least 0 and less than n, from the caller's stream. */
  random(n: number): number;
  /** The positions of all references to each page, ascending: future[page]. */
  future?: number[][];
}

export type PolicyParams = Record<string, number | string>;

export type PolicyFactory = (context: PolicyContext) => SlowPolicy;
