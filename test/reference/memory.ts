/*
 * Physical memory: the page frames, the pages in them, and what a page fault does.
 *
 * Why: demand paging after P. J. Denning, "Virtual Memory", ACM Computing Surveys 2(3), 1970, and
 * no more than that: a page is loaded when it is referenced and not resident; free frames are taken
 * in ascending order; when none is left the policy names a victim, which is written back if it was
 * written to since it was loaded, and whose frame the incoming page takes. A policy may also have a
 * page written back before that, as the cleaning of R. W. Carr and J. L. Hennessy, "WSCLOCK", SOSP
 * 1981, does.
 */

import type { PageId, PolicyContext, PolicyParams, SlowPolicy } from "./policies/contract.ts";
import type { PolicyName } from "./policies/index.ts";
import { policies } from "./policies/index.ts";

export interface MemoryOptions {
  frames: number;
  policy: PolicyName;
  params?: PolicyParams;
  random?: (n: number) => number;
  future: number[][];
}

export class SlowMemory {
  readonly policy: SlowPolicy;
  /** Faults on pages that were never touched before. */
  minor = 0;
  /** Faults on pages that were evicted. */
  major = 0;
  evictions = 0;
  /** Evictions of dirty pages, and cleanings that the policy asked for. */
  writebacks = 0;

  readonly #frames: number;
  /** By pfn; as long as the number of frames that are taken. */
  readonly #pages: PageId[] = [];
  readonly #dirty = new Set<PageId>();
  readonly #everTouched = new Set<PageId>();

  constructor(options: MemoryOptions) {
    if (!Number.isInteger(options.frames) || options.frames < 1) {
      throw new Error(`frames=${options.frames}`);
    }
    this.#frames = options.frames;
    const context: PolicyContext = {
      frames: options.frames,
      capacity: () => options.frames,
      heldFrames: () => [...this.#pages.keys()],
      params: options.params ?? {},
      isDirty: (page) => this.#dirty.has(page),
      clean: (page) => this.#writeBack(page),
      frameOf: (page) => this.#frameOf(page),
      pageAt: (pfn) => this.#pageAt(pfn),
      random: (n) => {
        if (options.random === undefined) throw new Error("no random stream was given");
        return options.random(n);
      },
      future: options.future,
    };
    this.policy = policies[options.policy](context);
  }

  isResident(page: PageId): boolean {
    return this.#pages.includes(page);
  }

  /** Loads a page that is not resident. Returns the page that was evicted for it, if any. */
  fault(page: PageId): PageId | undefined {
    if (this.#everTouched.has(page)) this.major += 1;
    else this.minor += 1;
    this.#everTouched.add(page);

    let evicted: PageId | undefined;
    if (this.#pages.length < this.#frames) {
      this.#pages.push(page);
    } else {
      evicted = this.policy.victim(page);
      const pfn = this.#frameOf(evicted);
      this.evictions += 1;
      this.#writeBack(evicted);
      this.policy.evicted?.(evicted);
      this.#pages[pfn] = page;
    }
    this.policy.fill(page);
    return evicted;
  }

  /** A resident page is written to. */
  write(page: PageId): void {
    this.#dirty.add(page);
  }

  /** The pages that are resident, ascending. */
  residentPages(): PageId[] {
    return [...this.#pages].sort((a, b) => a - b);
  }

  #writeBack(page: PageId): void {
    if (this.#dirty.delete(page)) this.writebacks += 1;
  }

  #frameOf(page: PageId): number {
    const pfn = this.#pages.indexOf(page);
    if (pfn === -1) throw new Error(`page ${page} is not resident`);
    return pfn;
  }

  #pageAt(pfn: number): PageId {
    const page = this.#pages[pfn];
    if (page === undefined) throw new Error(`frame ${pfn} is free`);
    return page;
  }
}
