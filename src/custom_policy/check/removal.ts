/**
 * What a memory manager does to a policy: pages come into any free frame between frames that are not the
 * policy's, some cease to exist, some leave ahead of need. Books are kept beside the engine, and after every
 * reference both must agree on every frame.
 */

import { Engine } from "../../engine/engine.ts";
import type { ChosenPolicy } from "../../types.ts";
import { type Cell, enter } from "./runs.ts";
import type { Stream } from "./streams.ts";

/** Every so many references a page goes, several are reclaimed, and all go. */
const REMOVE_EVERY = 3;
const RECLAIM_EVERY = 17;
const EXIT_EVERY = 150;
const RECLAIMED = 4;
/** Of so many frames one is the policy's to use. */
const SPACING = 3;
const STORE = 2;

export function isRemovable(module: WebAssembly.Module, policy: ChosenPolicy): boolean {
  return engineFor({ module, policy, frames: 1 }, 1).core.policyCanRemove(policy.index) !== 0;
}

/** Throws when the policy or the frame table is not as it must be; returns the victims' frames, in order. */
export function manage(cell: Cell, stream: Stream, onStep: (position: number) => void): number[] {
  const engine = engineFor(cell, stream.pages + 1);
  return enter(engine, () => {
    const memory = new Memory(engine, cell.frames);
    stream.references.forEach((reference, position) => {
      onStep(position);
      // No page is number 0.
      const page = reference.page + 1;
      memory.touch(page, position, reference.kind >= STORE);
      if (position % REMOVE_EVERY === 0) memory.remove(1 + ((position * position) % stream.pages));
      if (position % RECLAIM_EVERY === 0) {
        for (let left = Math.min(RECLAIMED, memory.resident); left > 0; left--) memory.reclaim();
      }
      if (position % EXIT_EVERY === EXIT_EVERY - 1) memory.removeAll();
      memory.compare();
    });
    memory.removeAll();
    memory.compare();
    return memory.victims;
  });
}

// --- internal ---

class Memory {
  readonly victims: number[] = [];
  readonly #core: Engine["core"];
  readonly #free: number[];
  readonly #pageIn = new Map<number, number>();
  readonly #frameOf = new Map<number, number>();
  readonly #evicted = new Set<number>();

  constructor({ core }: Engine, frames: number) {
    this.#core = core;
    this.#free = Array.from({ length: frames }, (_, index) => index * SPACING + 1);
  }

  get resident(): number {
    return this.#pageIn.size;
  }

  touch(page: number, position: number, writes: boolean): void {
    let pfn = this.#frameOf.get(page);
    if (pfn === undefined) {
      if (this.#free.length === 0) this.reclaim();
      [pfn = 0] = this.#free.splice(position % this.#free.length, 1);
      this.#core.policyFill(pfn, page);
      this.#pageIn.set(pfn, page);
      this.#frameOf.set(page, pfn);
      this.#evicted.delete(page);
    } else this.#core.policyHit(pfn, 1);
    if (writes) this.#core.policyWrite(pfn);
  }

  reclaim(): void {
    const pfn = this.#core.policyVictim() >>> 0;
    const page = this.#leave(pfn);
    this.victims.push(pfn);
    this.#core.evictFrom(pfn);
    this.#core.policyEvict(pfn, page);
    this.#evicted.add(page);
  }

  /** A page ceases to exist, wherever it is. */
  remove(page: number): void {
    const pfn = this.#frameOf.get(page);
    if (pfn !== undefined) {
      this.#core.policyRemove(pfn);
      this.#core.unbind(pfn);
      this.#leave(pfn);
    } else if (this.#evicted.delete(page)) {
      this.#core.policyForget(page);
      this.#core.forgetPage(page);
    }
  }

  removeAll(): void {
    for (const page of [...this.#frameOf.keys(), ...this.#evicted]) this.remove(page);
  }

  compare(): void {
    const held = this.#core.residentPages();
    if (held !== this.resident) throw this.#damage(`${this.resident} pages are resident, not ${held}`);
    for (const [pfn, page] of this.#pageIn) {
      const there = this.#core.pageIn(pfn);
      if (there !== page) throw this.#damage(`frame ${pfn} holds page ${page}, and the table says ${there}`);
    }
  }

  #leave(pfn: number): number {
    const page = this.#pageIn.get(pfn);
    if (page === undefined) throw new Error(`victim() returned frame ${pfn}, which holds no page`);
    this.#pageIn.delete(pfn);
    this.#frameOf.delete(page);
    this.#free.push(pfn);
    return page;
  }

  #damage(what: string): Error {
    return new Error(`the frame table is damaged: ${what}; does the policy write outside its arrays?`);
  }
}

function engineFor({ module, policy, frames, seed = 1 }: Cell, pages: number): Engine {
  return new Engine(module, {
    runs: { capacity: 1, interned: true, clairvoyant: policy.clairvoyant },
    memory: { frames: frames * SPACING, policy, sparse: true },
    pages,
    seed,
  });
}
