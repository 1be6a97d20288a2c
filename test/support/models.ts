/*
 * One machine, given to a slow model and to the engine, in the words of each.
 */

import type { TlbGeometry } from "../../src/types.ts";
import { type PolicyName, policies as slowPolicies } from "../reference/policies/index.ts";
import {
  type MachineResult,
  type PageResult,
  simulateMachine,
  simulatePages,
  type TlbName,
} from "../reference/simulate.ts";
import type { SlowTlb } from "../reference/tlb.ts";
import type { Touch } from "../reference/types.ts";
import { POLICIES, POLICY_SPECS } from "./builds.ts";
import type { Counters, Lab, ReplayMachine, Run } from "./engine_runs.ts";
import { engineDraws } from "./random.ts";

/** Policies that have no slow model, each with the reason; the policy contract does not ask for one. */
export const WITHOUT_MODEL: Record<string, string> = {};

/** The policies to compare, as specifications: all that have a slow model. */
export const MODELLED_SPECS = POLICY_SPECS.filter((spec) => nameOf(spec) in slowPolicies);

/** Registered policies with neither a slow model nor a reason for having none. */
export function policiesToExplain(): string[] {
  return POLICIES.map(({ name }) => name).filter(
    (name) => !(name in slowPolicies) && !(name in WITHOUT_MODEL),
  );
}

export function modelPages(touches: readonly Touch[], { frames, policy, seed }: Lab): PageResult {
  return simulatePages(touches, frames, modelName(policy.name), {
    params: policy.params,
    random: engineDraws(seed, 0),
  });
}

export function modelMachine(touches: readonly Touch[], machine: ReplayMachine): MachineResult {
  const { frames, pageTable, walkCaches, rootInRegisters, tlbs, policy, seed, accessedByWalk } = machine;
  const [tlb = {}, ...otherCores] = Array.from({ length: machine.cores ?? 1 }, (_, core) =>
    Object.fromEntries(
      tlbs.map((tlb, index) => [
        tlb.name.toLowerCase() as TlbName,
        modelGeometry(tlb, core * tlbs.length + index, seed),
      ]),
    ),
  );
  return simulateMachine(touches, {
    frames,
    levelBits: pageTable.levelBits,
    walkCaches,
    rootInRegisters,
    tlb,
    otherCores,
    policy: modelName(policy.name),
    params: policy.params,
    random: engineDraws(seed, 0),
    accessedBit: accessedByWalk ? "walk" : "reference",
  });
}

/** TLB number `index` of a run with `seed`, as the model has it. */
export function modelGeometry(tlb: TlbGeometry, index: number, seed: number): SlowTlb["geometry"] {
  const { entries, ways, policy } = tlb;
  return { sets: entries / ways, ways, policy, pick: engineDraws(seed, index + 1) };
}

/** The model's page counters in the engine's terms. */
export function comparablePages(model: PageResult) {
  const { references, hits, minor, major, evictions, writebacks, residentAtEnd } = model;
  return { references, hits, minor, major, evictions, writebacks, resident: residentAtEnd.length };
}

/** The engine's page counters in the model's terms: hits follow from references and faults. */
export function comparableEnginePages(counters: Counters) {
  const { references, minor, major, evictions, writebacks, resident } = counters;
  return { references, hits: references - minor - major, minor, major, evictions, writebacks, resident };
}

export function comparableMachine(model: MachineResult, machine: ReplayMachine) {
  const byName = new Map<string, (typeof model.tlbs)[number]>(
    model.tlbs.map((tlb) => [tlb.name.toUpperCase(), tlb]),
  );
  return {
    ...comparablePages(model),
    tlbs: machine.tlbs.map(({ name }) => {
      const { hits, misses, invalidated } = byName.get(name)!;
      return { name, hits, misses, invalidated };
    }),
    walks: model.walks.count,
    walkReferences: model.walks.memory_references,
  };
}

/**
 * A TLB's hits follow from who looks it up: the references of its side, or the misses of the level before.
 */
export function comparableEngineMachine(counters: Counters, machine: ReplayMachine, runs: readonly Run[]) {
  const fetches = runs.reduce((sum, run) => sum + (run.kind === 0 ? run.references : 0), 0);
  const lookups: Record<string, number> = { I: fetches, D: counters.references - fetches };
  const side = (name: string) => name.slice(2);
  const looksUp = (name: string): number => {
    if (name.startsWith("L1")) return side(name) === "" ? counters.references : lookups[side(name)]!;
    return machine.tlbs.reduce((sum, { name: other }, index) => {
      const asks = other.startsWith("L1") && (side(name) === "" || side(other) === side(name));
      return sum + (asks ? counters.tlbs[index]!.misses : 0);
    }, 0);
  };
  return {
    ...comparableEnginePages(counters),
    tlbs: machine.tlbs.map(({ name }, index) => {
      const { misses, invalidated } = counters.tlbs[index]!;
      return { name, hits: looksUp(name) - misses, misses, invalidated };
    }),
    walks: counters.walks,
    walkReferences: counters.walkReferences,
  };
}

function modelName(name: string): PolicyName {
  if (name in slowPolicies) return name as PolicyName;
  throw new Error(`policy ${name} has no slow model in test/reference/policies`);
}

function nameOf(spec: string): string {
  return spec.split(":")[0] ?? spec;
}
