/** A recorded compile through TLBs, page walk and demand paging: Wasm, JavaScript maps, and C. */

import { Engine } from "../../src/engine/engine.ts";
import { presetMachine, tlbsFor, walkCachesFor } from "../../src/machine/machine.ts";
import { PAGING, pageTableOf } from "../../src/machine/paging.ts";
import { engineModule } from "../../src/run/session.ts";
import { MapMmu } from "../baselines/map_mmu.ts";
import { type CProgram, cProgram, NO_COMPILER, rival } from "../lib/c_program.ts";
import { mustAgree } from "../lib/check.ts";
import { type Decoded, decodeTrace } from "../lib/decoded.ts";
import { measure } from "../lib/measure.ts";
import { policyOf } from "../lib/policies.ts";
import { progress } from "../lib/progress.ts";
import { recording } from "../lib/recording.ts";
import { missing, type Row, rate, ratio, type Section } from "../lib/section.ts";
import { recordingOrPrefix } from "../lib/text_files.ts";

const BLOCK_RUNS = 16_384;
const PAGE_SIZE = "4KiB";
const PAGES_MAX = 1 << 26;
const TARGET = 300;
const RATIO_TARGET = 0.75;
const UNIT = "M refs/s";

export async function mmu(quick: boolean): Promise<Section> {
  const path = recordingOrPrefix(quick, 100e6);
  progress("decoding the recording");
  const trace = await decodeTrace(path);
  const frames = Math.max(1, Math.round(trace.pages / 2));
  const work: Work = { trace, frames, repetitions: quick ? 3 : 7, slowRepetitions: quick ? 1 : 3 };
  const c = cProgram<Counts & { references: number }>("mmu");
  const rows: Row[] = [];
  for (const policy of ["clock", "lru"]) rows.push(...(await compared(policy, work, c)));
  const millions = (count: number) => (count / 1e6).toFixed(1);
  return {
    name: "mmu",
    title: "MMU replay of a recorded trace",
    about: [
      `${recording().about}: ${millions(trace.references)} M references in ${millions(trace.runs)} M page runs, ` +
        `${trace.pages} pages, ${frames} frames.`,
      "Machine x86-64: L1I 64/8, L1D 64/4, L2 1536/12, walk caches 2/4/32, 4-level walk; decoded beforehand.",
      "Wasm gets the runs in blocks of 16,384 in its run buffer, as decoders leave them there; C reads all of " +
        'them in place and takes turns with Wasm. "Blocks copied in" times the copying into the buffer too.',
      "All agree on TLB misses, walks, their memory references, faults and write-backs.",
    ],
    rows,
  };
}

// --- internal ---

interface Work {
  trace: Decoded;
  frames: number;
  repetitions: number;
  slowRepetitions: number;
}

type Counts = ReturnType<MapMmu["counts"]>;

async function compared(
  policy: string,
  work: Work,
  c: CProgram<Counts & { references: number }> | undefined,
): Promise<Row[]> {
  const { trace, frames } = work;
  const amount = trace.references / 1e6;
  const opponent = rival(c, trace.files.tags, trace.files.attrs, frames, policy);
  const engine = await wasm(policy, work, opponent.once);
  const maps = await javascript(policy, work);
  const native = opponent.result();
  const nativeCounts = native && {
    tlbMisses: native.tlbMisses,
    walks: native.walks,
    walkReferences: native.walkReferences,
    minorFaults: native.minorFaults,
    majorFaults: native.majorFaults,
    writebacks: native.writebacks,
  };
  mustAgree(`mmu, ${policy}`, { Wasm: engine.counts, JavaScript: maps.counts, C: nativeCounts });
  mustAgree(`mmu, references`, { Wasm: trace.references, C: native?.references });
  const rows = [...engine.rows, maps.row];
  if (native === undefined) return [...rows, missing(`${policy}, C`, NO_COMPILER)];
  return [
    ...rows,
    rate(`${policy}, C`, amount, UNIT, native),
    ratio(`${policy}, Wasm / C`, native.median / engine.seconds, { atLeast: RATIO_TARGET }),
  ];
}

async function wasm(
  name: string,
  work: Work,
  between: () => void,
): Promise<{ rows: Row[]; seconds: number; counts: Counts }> {
  const { trace, repetitions } = work;
  const amount = trace.references / 1e6;
  progress(`${name}: Wasm and C`);
  let engine: Engine | undefined;
  const before = () => {
    engine = newEngine(name, work.frames);
  };
  const seconds = await measure(repetitions, {
    before() {
      between();
      before();
    },
    run: () => ({ overriddenDuration: replayBlocks(engine as Engine, trace) }),
  });
  const copying = await measure(repetitions, {
    before,
    run: () => {
      replayBlocks(engine as Engine, trace);
    },
  });
  const { core } = engine as unknown as Engine;
  return {
    rows: [
      rate(`${name}, Wasm`, amount, UNIT, seconds, { atLeast: TARGET }),
      rate(`${name}, Wasm, blocks copied in`, amount, UNIT, copying),
    ],
    seconds: seconds.median,
    counts: {
      tlbMisses: (engine as unknown as Engine).tlbCounts().map(({ misses }) => misses),
      walks: core.walks(),
      walkReferences: core.walkReferences(),
      minorFaults: core.minorFaults(),
      majorFaults: core.majorFaults(),
      writebacks: core.writebacks(),
    },
  };
}

function newEngine(policy: string, frames: number): Engine {
  const machine = presetMachine("x86-64");
  return new Engine(engineModule(), {
    runs: { capacity: BLOCK_RUNS, interned: false, clairvoyant: false },
    memory: { frames, policy: policyOf(policy) },
    mmu: {
      tlbs: tlbsFor(machine, PAGE_SIZE),
      walkCaches: walkCachesFor(machine, PAGE_SIZE),
      rootInRegisters: PAGING[machine.paging].rootInRegisters,
      accessedByWalk: false,
    },
    pageTable: pageTableOf(machine.paging, PAGE_SIZE),
    pages: PAGES_MAX,
  });
}

/** Returns the milliseconds spent in the engine, copying not included. */
function replayBlocks(engine: Engine, { tags, attrs, runs }: Decoded): number {
  let inside = 0;
  for (let from = 0; from < runs; from += BLOCK_RUNS) {
    const count = Math.min(BLOCK_RUNS, runs - from);
    engine.column("tags", count).set(tags.subarray(from * 8, (from + count) * 8));
    engine.column("attrs", count).set(attrs.subarray(from * 2, (from + count) * 2));
    const start = performance.now();
    engine.replay(count);
    inside += performance.now() - start;
  }
  return inside;
}

async function javascript(policy: string, work: Work): Promise<{ row: Row; counts: Counts }> {
  const { trace, frames, slowRepetitions } = work;
  progress(`${policy}: JavaScript`);
  const vpns = Float64Array.from(
    new BigUint64Array(trace.tags.buffer, trace.tags.byteOffset, trace.runs),
    Number,
  );
  const attrs = new Uint16Array(trace.attrs.buffer, trace.attrs.byteOffset, trace.runs);
  let counts: Counts | undefined;
  const seconds = await measure(slowRepetitions, {
    run() {
      const maps = new MapMmu(policy, frames);
      maps.replay(vpns, attrs);
      counts = maps.counts();
    },
  });
  const row = rate(`${policy}, JavaScript Map`, trace.references / 1e6, UNIT, seconds);
  return { row, counts: counts as unknown as Counts };
}
