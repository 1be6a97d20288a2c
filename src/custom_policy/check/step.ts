/**
 * Demand paging done over again, reference by reference, beside the engine: only the victims are the policy's
 * choice, and everything else that the engine says about its frames and pages must be so.
 */

import type { Engine } from "../../engine/engine.ts";
import { type Cell, countsOf, differences, enter, labEngine, unfolded } from "./runs.ts";
import type { Stream } from "./streams.ts";

/** The engine's page map, as in assembly/core/frames.ts: below are the entries of pages without a frame. */
const FRAME_BIAS = 2 ** 31;
/** Kinds from this on write. */
const STORE = 2;

/** Throws when the engine does what it must not; returns the frames of the victims, in their order. */
export function stepThrough(cell: Cell, stream: Stream, onStep: (position: number) => void): number[] {
  const runs = unfolded(stream);
  const engine = labEngine(cell, runs);
  const memory = new Memory(cell.frames);
  const columns = (["ids", "attrs", "futures"] as const).filter(
    (name) => name !== "futures" || cell.policy.clairvoyant,
  );
  const kept = columns.map((name) => ({
    name,
    bytes: engine.column(name, runs.length).slice(),
    width: engine.column(name, 1).length,
  }));
  runs.forEach(({ page, kind }, position) => {
    onStep(position);
    for (const { name, bytes, width } of kept) {
      engine.column(name, 1).set(bytes.subarray(position * width, (position + 1) * width));
    }
    enter(engine, () => engine.replayInterned(1));
    memory.reference(engine, page, kind);
  });
  const wrong = differences(countsOf(engine), { ...memory.counts, resident: memory.pageIn.length });
  if (wrong !== "") throw new Error(`the engine counts ${wrong}`);
  return memory.victims;
}

class Memory {
  readonly pageIn: number[] = [];
  readonly victims: number[] = [];
  readonly counts = { references: 0, minor: 0, major: 0, evictions: 0, writebacks: 0 };
  readonly #frameOf = new Map<number, number>();
  readonly #dirty = new Set<number>();
  readonly #seen = new Set<number>();
  readonly #frames: number;

  constructor(frames: number) {
    this.#frames = frames;
  }

  /** What must be after a reference, given the frame in which the engine has put its page. */
  reference(engine: Engine, page: number, kind: number): void {
    const { counts } = this;
    counts.references++;
    if (!this.#frameOf.has(page)) {
      counts[this.#seen.has(page) ? "major" : "minor"]++;
      this.#seen.add(page);
      const pfn = frameOf(engine, page);
      if (this.pageIn.length === this.#frames) this.#evict(pfn);
      else if (pfn !== this.pageIn.length)
        throw this.#damage(`page ${page} went into frame ${pfn}, not the free one`);
      this.pageIn[pfn] = page;
      this.#frameOf.set(page, pfn);
    }
    if (kind >= STORE) this.#dirty.add(page);
    this.#compare(engine);
  }

  #evict(pfn: number): void {
    const evicted = this.pageIn[pfn];
    if (evicted === undefined) throw this.#damage(`a page went into frame ${pfn}, which is none`);
    this.victims.push(pfn);
    this.#frameOf.delete(evicted);
    this.counts.evictions++;
    if (this.#dirty.delete(evicted)) this.counts.writebacks++;
  }

  #compare({ core }: Engine): void {
    this.pageIn.forEach((page, pfn) => {
      const there = core.pageIn(pfn);
      if (there !== page) throw this.#damage(`frame ${pfn} holds page ${page}, and the table says ${there}`);
    });
    for (const page of this.#seen) {
      const expected = this.#frameOf.get(page);
      const entry = (core.frameEntry?.(page) ?? 0) >>> 0;
      const isRight = expected === undefined ? isEvicted(entry) : entry === expected + FRAME_BIAS;
      if (!isRight) {
        const where = expected === undefined ? "evicted" : `in frame ${expected}`;
        throw this.#damage(`page ${page} is ${where}, and the table says otherwise`);
      }
    }
  }

  #damage(what: string): Error {
    return new Error(`the frame table is damaged: ${what}; does the policy write outside its arrays?`);
  }
}

/** Odd: above the lowest bit there may be a note of the policy's. */
function isEvicted(entry: number): boolean {
  return entry < FRAME_BIAS && entry % 2 === 1;
}

function frameOf({ core }: Engine, page: number): number {
  return ((core.frameEntry?.(page) ?? 0) >>> 0) - FRAME_BIAS;
}
