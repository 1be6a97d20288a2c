/*
 * What the golden counts are counted with: the traces, the policies, the sizes, and a machine whose TLBs and
 * walk caches are small enough for traces of two thousand lines.
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { pageTableOf } from "../../src/machine/paging.ts";
import { parseTlbs } from "../../src/machine/tlb_spec.ts";
import { lackey } from "../../src/trace/formats/lackey.ts";
import { POLICIES, policyOf } from "../support/builds.ts";
import { type Counters, type ReplayMachine, type Run, replayMachine } from "../support/engine_runs.ts";
import { decodeText } from "../support/text_decoding.ts";

export const TRACES = ["mixed", "true"] as const;
export type TraceName = (typeof TRACES)[number];

/** Every policy with its defaults, and what the defaults do not show in so few references. */
export const SPECS = [
  ...POLICIES.map(({ name }) => name),
  "clock:bits=2,fill=referenced",
  "nru:interval=100",
];

export const FRAMES = [4, 12, 24, 40];

/** The counts of one run, by name so that a diff says what moved. */
export type Counts = ReturnType<typeof countsOf>;

/** By trace, policy and frames. */
export type Golden = Record<string, Record<string, Record<string, Counts>>>;

export function machineOf(spec: string, frames: number): ReplayMachine {
  return {
    frames,
    policy: policyOf(spec),
    pageTable: pageTableOf("4-level", "4KiB"),
    walkCaches: [1, 2, 4],
    rootInRegisters: false,
    tlbs: parseTlbs("L1I=4/2/lru,L1D=8/4/plru,L2=16/8/lru", "golden"),
    accessedByWalk: false,
    seed: 1,
  };
}

export function traceFile(name: string): string {
  return fileURLToPath(new URL(`traces/${name}.lackey`, import.meta.url));
}

export function traceText(name: TraceName): string {
  return readFileSync(traceFile(name), "latin1");
}

/** Through the decoder's small buffers and the whole machine. */
export async function runsOf(module: WebAssembly.Module, name: TraceName): Promise<Run[]> {
  const { runs, error } = await decodeText(module, lackey, traceText(name), {
    pageShift: 12,
    textBytes: 512,
  });
  if (error !== undefined) throw new Error(`${name}: line ${error.line}: ${error.found}`);
  return runs;
}

export function countsOn(module: WebAssembly.Module, runs: readonly Run[], spec: string, frames: number) {
  const machine = machineOf(spec, frames);
  return countsOf(replayMachine(module, runs, machine), machine);
}

function countsOf(counters: Counters, { tlbs }: ReplayMachine) {
  const { references, minor, major, evictions, writebacks, walks, walkReferences } = counters;
  const byTlb = (field: "misses" | "invalidated") =>
    Object.fromEntries(tlbs.map(({ name }, index) => [name, counters.tlbs[index]![field]]));
  return {
    references,
    faults: minor + major,
    minor,
    major,
    evictions,
    writebacks,
    tlb_misses: byTlb("misses"),
    shootdowns: byTlb("invalidated"),
    walks,
    walk_references: walkReferences,
  };
}
