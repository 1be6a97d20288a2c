/** Replacement policies over page ids, without an MMU: Wasm, a plain JavaScript `Map` simulator, and C. */

import { writeFileSync } from "node:fs";
import { Engine } from "../../src/engine/engine.ts";
import { listPolicies } from "../../src/engine/policies.ts";
import { engineModule } from "../../src/run/session.ts";
import { HIT, MAP_POLICIES } from "../baselines/map_policies.ts";
import { type CProgram, cProgram, NO_COMPILER, rival } from "../lib/c_program.ts";
import { mustAgree } from "../lib/check.ts";
import { measure } from "../lib/measure.ts";
import { dataFile } from "../lib/paths.ts";
import { policyOf } from "../lib/policies.ts";
import { progress } from "../lib/progress.ts";
import { missing, type Row, rate, ratio, type Section } from "../lib/section.ts";
import { zipfIds } from "../lib/zipf.ts";

const BLOCK_RUNS = 16_384;
/** One load. */
const ATTR = 1;
/** libCacheSim, measured once on the machine that set these: FIFO 6.1, LRU 4.6, Clock 4.0, SIEVE 7.6, ... */
const TARGETS: Record<string, number> = {
  clock: 100,
  lru: 80,
  fifo: 100,
  sieve: 100,
  arc: 60,
  lfu: 55,
  "2q": 37,
  "s3-fifo": 33,
  lirs: 31,
  "w-tinylfu": 28,
};
const COMPARED = ["clock", "lru", "fifo"];
const RATIO_TARGET = 0.75;

export async function policies(quick: boolean): Promise<Section> {
  const scale = quick ? 10 : 1;
  const [references, pages, frames] = [20_000_000 / scale, 1_000_000 / scale, 100_000 / scale];
  progress("drawing page ids");
  const ids = zipfIds({ references, pages, skew: 0.9, seed: 1 });
  const work: Work = {
    ids,
    pages,
    frames,
    repetitions: quick ? 3 : 7,
    slowRepetitions: 3,
    files: written(ids),
  };
  const c = cProgram<{ faults: number }>("policies");

  const rows: Row[] = [];
  for (const name of COMPARED) rows.push(...(await compared(name, work, c)));
  const others = listPolicies(engineModule()).filter(({ name }) => !COMPARED.includes(name));
  for (const { name } of others) {
    const repetitions = name in TARGETS ? work.repetitions : work.slowRepetitions;
    const { row } = await wasm(name, { ...work, repetitions });
    rows.push(row);
  }
  return {
    name: "policies",
    title: "policies over page ids",
    about: [
      `Zipf 0.9, ${millions(references)} M references, ${millions(pages)} M pages, ${frames} frames, read-only, one thread.`,
      "Wasm gets the ids in blocks of 16,384, copied into its run buffer, which is timed; C reads them in place.",
      "The next uses that opt needs were computed before. C takes turns with Wasm. fifo, lru and clock agree on the number of faults.",
    ],
    rows,
  };
}

// --- internal ---

interface Work {
  ids: Uint32Array;
  pages: number;
  frames: number;
  repetitions: number;
  slowRepetitions: number;
  files: { ids: string; attrs: string };
}

async function compared(
  name: string,
  work: Work,
  c: CProgram<{ faults: number }> | undefined,
): Promise<Row[]> {
  const { ids, pages, frames, files } = work;
  const amount = millions(ids.length);
  const opponent = rival(c, files.ids, files.attrs, pages, frames, name);
  const engine = await wasm(name, work, opponent.once);
  const map = await javascript(name, work);
  const native = opponent.result();
  mustAgree(`${name}, faults`, { Wasm: engine.faults, JavaScript: map.faults, C: native?.faults });
  return [
    engine.row,
    map.row,
    native === undefined
      ? missing(`${name}, C`, NO_COMPILER)
      : rate(`${name}, C`, amount, "M refs/s", native),
    ...(native === undefined
      ? []
      : [ratio(`${name}, Wasm / C`, native.median / engine.seconds, { atLeast: RATIO_TARGET })]),
  ];
}

async function wasm(
  name: string,
  work: Work,
  between?: () => void,
): Promise<{ row: Row; seconds: number; faults: number }> {
  const { ids, pages, frames, repetitions } = work;
  progress(`${name}: Wasm${between ? " and C" : ""}`);
  const policy = policyOf(name);
  const bytes = new Uint8Array(ids.buffer);
  const futures = policy.clairvoyant ? nextUses(bytes, ids.length, pages) : undefined;
  let engine: Engine | undefined;
  const seconds = await measure(repetitions, {
    before() {
      between?.();
      engine = new Engine(engineModule(), {
        runs: { capacity: BLOCK_RUNS, interned: true, clairvoyant: policy.clairvoyant },
        memory: { frames, policy },
        pages,
      });
      new Uint16Array(engine.views().u16.buffer, engine.core.attrsAt() >>> 0, BLOCK_RUNS).fill(ATTR);
    },
    run() {
      replayBlocks(engine as Engine, bytes, ids.length, futures);
    },
  });
  const { core } = engine as unknown as Engine;
  const target = TARGETS[name];
  const bound = target === undefined ? {} : { atLeast: target };
  return {
    row: rate(`${name}, Wasm`, millions(ids.length), "M refs/s", seconds, bound),
    seconds: seconds.median,
    faults: core.minorFaults() + core.majorFaults(),
  };
}

function replayBlocks(engine: Engine, ids: Uint8Array, total: number, futures: Uint8Array | undefined): void {
  for (let from = 0; from < total; from += BLOCK_RUNS) {
    const count = Math.min(BLOCK_RUNS, total - from);
    engine.column("ids", count).set(ids.subarray(from * 4, (from + count) * 4));
    if (futures) engine.column("futures", count).set(futures.subarray(from * 8, (from + count) * 8));
    engine.core.replayInterned(count);
  }
}

/** The column of next uses for all ids, by the engine's backward pass. */
function nextUses(ids: Uint8Array, total: number, pages: number): Uint8Array {
  const engine = new Engine(engineModule(), {
    runs: { capacity: BLOCK_RUNS, interned: true, clairvoyant: true },
    pages,
    nextUse: true,
  });
  const futures = new Uint8Array(total * 8);
  for (let end = total; end > 0; ) {
    const count = Math.min(BLOCK_RUNS, end);
    const from = end - count;
    engine.column("ids", count).set(ids.subarray(from * 4, end * 4));
    engine.core.computeNextUse(count, from);
    futures.set(engine.column("futures", count), from * 8);
    end = from;
  }
  return futures;
}

async function javascript(name: string, work: Work): Promise<{ row: Row; faults: number }> {
  const { ids, frames, slowRepetitions } = work;
  progress(`${name}: JavaScript`);
  const Policy = MAP_POLICIES[name];
  if (Policy === undefined) throw new Error(`no baseline for ${name}`);
  let faults = 0;
  const seconds = await measure(slowRepetitions, {
    run() {
      const policy = new Policy(frames);
      faults = 0;
      for (let index = 0; index < ids.length; index++) {
        if (policy.reference(ids[index] as number) !== HIT) faults++;
      }
    },
  });
  return { row: rate(`${name}, JavaScript Map`, millions(ids.length), "M refs/s", seconds), faults };
}

/** The columns as files for the C program. */
function written(ids: Uint32Array): { ids: string; attrs: string } {
  const files = { ids: dataFile("zipf.u32"), attrs: dataFile("zipf.u16") };
  writeFileSync(files.ids, ids);
  writeFileSync(files.attrs, new Uint16Array(ids.length).fill(ATTR));
  return files;
}

function millions(count: number): number {
  return count / 1e6;
}
