/** Replays a stream's references by an engine, in the policy lab or behind an MMU, and counts. */

import { Engine, type EngineSetup, type MmuSetup, stopReason } from "../../engine/engine.ts";
import type { ChosenPolicy } from "../../types.ts";
import type { Reference, Stream } from "./streams.ts";

/** References in a row to one page, of one kind. */
export interface Run extends Reference {
  references: number;
}

export interface Counts {
  references: number;
  minor: number;
  major: number;
  evictions: number;
  writebacks: number;
  resident: number;
}

export interface Cell {
  module: WebAssembly.Module;
  policy: ChosenPolicy;
  frames: number;
  seed?: number;
}

const RUN_REFERENCES_MAX = 1 << 14;
const NEVER = 1n << 62n;

/** TLBs that are missed often. */
const MMU: MmuSetup = {
  walkCaches: [],
  rootInRegisters: false,
  tlbs: [{ name: "L1", entries: 8, ways: 2, policy: "lru" }],
  accessedByWalk: false,
};
const PAGE_TABLE = { levelBits: [9, 9, 9, 9], signExtended: true };

/** One run for each reference. */
export function unfolded({ references }: Stream): Run[] {
  return references.map((reference) => ({ ...reference, references: 1 }));
}

/** The longest runs that the references make. */
export function folded({ references }: Stream): Run[] {
  const runs: Run[] = [];
  for (const { page, kind } of references) {
    const last = runs.at(-1);
    const same = last?.page === page && last.kind === kind && last.references < RUN_REFERENCES_MAX;
    if (same) last.references++;
    else runs.push({ page, kind, references: 1 });
  }
  return runs;
}

/** An engine for the lab with the runs in its buffer. */
export function labEngine(cell: Cell, runs: Run[]): Engine {
  const engine = engineFor(cell, runs, { interned: true });
  engine.column("ids", runs.length).set(bytesOf(Uint32Array.from(runs, ({ page }) => page)));
  return engine;
}

export function replayLab(cell: Cell, runs: Run[]): Counts {
  const engine = labEngine(cell, runs);
  return enter(engine, () => {
    engine.replayInterned(runs.length);
    return countsOf(engine);
  });
}

export function replayMmu(cell: Cell, runs: Run[]): Counts {
  const engine = engineFor(cell, runs, { interned: false, mmu: MMU, pageTable: PAGE_TABLE });
  engine.column("tags", runs.length).set(bytesOf(BigUint64Array.from(runs, ({ page }) => BigInt(page))));
  return enter(engine, () => {
    engine.replay(runs.length);
    return countsOf(engine);
  });
}

/** Does something with the policy; when that stops the engine, the error says why. */
export function enter<T>(engine: Engine, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new Error(stopReason(engine.core, error));
  }
}

export function countsOf({ core }: Engine): Counts {
  return {
    references: core.references(),
    minor: core.minorFaults(),
    major: core.majorFaults(),
    evictions: core.evictions(),
    writebacks: core.writebacks(),
    resident: core.residentPages(),
  };
}

/** `major 12, not 13` for each count that differs. */
export function differences(counts: Counts, expected: Counts): string {
  const names = Object.keys(expected) as (keyof Counts)[];
  const wrong = names.filter((name) => counts[name] !== expected[name]);
  return wrong.map((name) => `${name} ${counts[name]}, not ${expected[name]}`).join("; ");
}

// --- internal ---

function engineFor(
  { module, policy, frames, seed = 1 }: Cell,
  runs: Run[],
  { interned, ...mmu }: { interned: boolean } & Pick<EngineSetup, "mmu" | "pageTable">,
): Engine {
  const { clairvoyant } = policy;
  const engine = started({
    runs: { capacity: runs.length, interned, clairvoyant },
    memory: { frames, policy },
    ...mmu,
    pages: runs.length,
    seed,
  });
  const attrs = Uint16Array.from(runs, ({ kind, references }) => ((references - 1) << 2) | kind);
  engine.column("attrs", runs.length).set(bytesOf(attrs));
  if (clairvoyant) engine.column("futures", runs.length).set(bytesOf(nextUses(runs)));
  return engine;

  function started(setup: EngineSetup): Engine {
    try {
      return new Engine(module, setup);
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      throw new Error(`init(): ${error.message}; are arrays used before the run has started?`);
    }
  }
}

/** For every run, the number of the next one on the same page. */
function nextUses(runs: Run[]): BigUint64Array {
  const uses = new BigUint64Array(runs.length);
  const next = new Map<number, number>();
  for (let index = runs.length - 1; index >= 0; index--) {
    const { page } = runs[index] as Run;
    const use = next.get(page);
    uses[index] = use === undefined ? NEVER : BigInt(use);
    next.set(page, index);
  }
  return uses;
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
