/*
 * A memory manager's work in small: random streams of what one does to a policy, and the engine and the slow
 * models as they take it.
 */

import { Engine } from "../../src/engine/engine.ts";
import type { ChosenPolicy } from "../../src/types.ts";
import { ManagedFrames } from "../reference/managed.ts";
import type { PolicyName } from "../reference/policies/index.ts";
import { engineDraws, Random } from "./random.ts";

/** The page number that `victim` is given: no page has it. */
export const NO_PAGE = 0;

/**
 * One thing that a memory manager does. A page number is that of one page at a time, and may be used again.
 */
export type Step =
  /** References to a page, after its fault if it is not resident; `free` picks the frame. */
  | { do: "touch"; page: number; references: number; write: boolean; free: number }
  /** The page ceases to exist, if it was ever touched, wherever it is. */
  | { do: "remove"; page: number }
  /** So many pages leave memory, if there are as many. */
  | { do: "reclaim"; pages: number }
  /** A victim is chosen, and then stays after all. */
  | { do: "spare" }
  /** A resident page is locked or unlocked. */
  | { do: "lock"; page: number }
  /** A process ends: the pages from `from` to `to` cease to exist. */
  | { do: "exit"; from: number; to: number };

export interface Scenario {
  title: string;
  frames: number;
  pages: number;
  /** Which frames are the kernel's. */
  kernel: number[];
  steps: Step[];
  seed: number;
}

/** How often each thing is done, for one reference. */
const HABITS = {
  "reclaim in batches": { reclaim: 0.04, batch: 5, remove: 0.05, exit: 0.002, lock: 0, spare: 0 },
  "pages go all the time": { reclaim: 0.05, batch: 2, remove: 0.3, exit: 0.01, lock: 0, spare: 0 },
  "one for one": { reclaim: 0, batch: 1, remove: 0.02, exit: 0, lock: 0, spare: 0 },
  "everything is reclaimed": { reclaim: 0.02, batch: 1000, remove: 0.05, exit: 0.004, lock: 0, spare: 0 },
  "pages are locked and spared": {
    reclaim: 0.03,
    batch: 4,
    remove: 0.05,
    exit: 0.004,
    lock: 0.05,
    spare: 0.05,
  },
};

export const SCENARIO_NAMES = Object.keys(HABITS) as (keyof typeof HABITS)[];

export function makeScenario(
  name: keyof typeof HABITS,
  seed: number,
  { frames, kernelShare, length }: { frames: number; kernelShare: number; length: number },
): Scenario {
  const random = new Random(seed);
  const habit = HABITS[name];
  const kernel = Array.from({ length: frames }, (_, pfn) => pfn).filter(() => random.chance(kernelShare));
  if (kernel.length === frames) kernel.pop();
  const usable = frames - kernel.length;
  const pages = usable + random.between(1, usable + 6);
  const steps: Step[] = [];
  let hot = 1;
  while (steps.length < length) {
    if (random.chance(habit.reclaim)) steps.push({ do: "reclaim", pages: random.between(1, habit.batch) });
    if (random.chance(habit.remove)) steps.push({ do: "remove", page: random.between(1, pages) });
    if (random.chance(habit.lock)) steps.push({ do: "lock", page: random.between(1, pages) });
    if (random.chance(habit.spare)) steps.push({ do: "spare" });
    if (random.chance(habit.exit)) {
      const from = random.between(1, pages);
      steps.push({ do: "exit", from, to: random.between(from, pages) });
    }
    // A working set that moves, some other pages, and pages twice in a row.
    if (random.chance(0.02)) hot = random.between(1, pages);
    const near = ((hot + random.below(Math.ceil(usable / 2)) - 1) % pages) + 1;
    const page = random.chance(0.6) ? near : random.between(1, pages);
    const references = random.chance(0.2) ? random.between(2, 6) : 1;
    steps.push({ do: "touch", page, references, write: random.chance(0.3), free: random.below(1 << 20) });
  }
  steps.push({ do: "exit", from: 1, to: pages });
  const title = `${name}, ${frames} frames, ${kernel.length} of the kernel, ${pages} pages, seed ${seed}`;
  return { title, frames, pages, kernel, steps, seed };
}

/** What a policy is told and asked, whoever has it. */
export interface Managed {
  fill(pfn: number, page: number): void;
  hit(pfn: number, references: number): void;
  write(pfn: number): void;
  /** The frame of a victim, which is not held any more. */
  victim(): number;
  /** The victim's page has left it. */
  evict(pfn: number, page: number): void;
  remove(pfn: number): void;
  forget(page: number): void;
  /** After `remove`: the frame is free, or its page has left it when `evict` is called. */
  unbind(pfn: number): void;
  /** After `forget`: the page is not known any more. */
  forgetPage(page: number): void;
  state(): ManagedState;
}

export interface ManagedState {
  /** By pfn, ascending, `page`, and `+` if the policy holds it and `*` if it is dirty. */
  frames: string[];
  held: number;
  /** Pages that the policy has cleaned ahead of eviction. */
  cleaned: number;
}

export function engineManaged(
  module: WebAssembly.Module,
  policy: ChosenPolicy,
  { frames, pages, seed }: Pick<Scenario, "frames" | "pages" | "seed">,
): Managed {
  const { core } = new Engine(module, {
    runs: { capacity: 1, interned: true, clairvoyant: false },
    memory: { frames, policy, sparse: true },
    pages: pages + 1,
    seed,
  });
  return {
    fill: core.policyFill,
    hit: core.policyHit,
    write: core.policyWrite,
    victim: () => core.policyVictim() >>> 0,
    evict: (pfn, page) => {
      core.evictFrom(pfn);
      core.policyEvict(pfn, page);
    },
    remove: core.policyRemove,
    forget: core.policyForget,
    unbind: core.unbind,
    forgetPage: core.forgetPage,
    state: () => {
      const all = Array.from({ length: frames }, (_, pfn) => pfn);
      const resident = all.filter((pfn) => core.pageIn(pfn) !== NO_PAGE);
      return {
        frames: resident.map((pfn) => {
          return describeFrame(pfn, core.pageIn(pfn), core.isHeld(pfn) !== 0, core.isDirty(pfn) !== 0);
        }),
        held: core.residentPages(),
        cleaned: core.writebacks(),
      };
    },
  };
}

export function modelManaged(policy: ChosenPolicy, { frames, seed }: Scenario): Managed {
  const model = new ManagedFrames({
    frames,
    policy: policy.name as PolicyName,
    params: policy.params,
    random: engineDraws(seed, 0),
  });
  return {
    fill: (pfn, page) => model.fill(pfn, page),
    hit: (pfn, references) => model.hit(pfn, references),
    write: (pfn) => model.write(pfn),
    victim: () => model.victim(NO_PAGE),
    evict: (pfn) => model.evict(pfn),
    remove: (pfn) => model.remove(pfn),
    forget: (page) => model.forget(page),
    unbind: (pfn) => model.empty(pfn),
    forgetPage: () => {},
    state: () => ({
      frames: [...model.pages]
        .sort(([a], [b]) => a - b)
        .map(([pfn, page]) => describeFrame(pfn, page, model.held.has(pfn), model.dirty.has(page))),
      held: model.held.size,
      cleaned: model.cleaned,
    }),
  };
}

function describeFrame(pfn: number, page: number, isHeld: boolean, isDirty: boolean): string {
  return `${pfn}: ${page}${isHeld ? "+" : ""}${isDirty ? "*" : ""}`;
}

/**
 * Does the steps, and says what came of each: the frames of the victims. It keeps books of its own, and
 * throws when a victim is a frame that the policy does not hold.
 */
export function* manage(managed: Managed, { frames, kernel, steps }: Scenario): Generator<string> {
  const free = Array.from({ length: frames }, (_, pfn) => pfn).filter((pfn) => !kernel.includes(pfn));
  const frameOf = new Map<number, number>();
  const pageIn = new Map<number, number>();
  const held = new Set<number>();
  const evicted = new Set<number>();

  const victim = (): number => {
    const pfn = managed.victim();
    if (!held.delete(pfn)) throw new Error(`victim ${pfn} is not held`);
    return pfn;
  };
  const vacate = (pfn: number): void => {
    frameOf.delete(pageIn.get(pfn)!);
    pageIn.delete(pfn);
    free.push(pfn);
  };
  const reclaim = (): number => {
    const pfn = victim();
    const page = pageIn.get(pfn)!;
    managed.evict(pfn, page);
    evicted.add(page);
    vacate(pfn);
    return pfn;
  };
  const remove = (page: number): void => {
    const pfn = frameOf.get(page);
    if (pfn !== undefined) {
      if (held.delete(pfn)) managed.remove(pfn);
      managed.unbind(pfn);
      vacate(pfn);
    } else if (evicted.delete(page)) {
      managed.forget(page);
      managed.forgetPage(page);
    }
  };

  for (const step of steps) {
    const victims: number[] = [];
    if (step.do === "touch") {
      const { page, references, write } = step;
      let pfn = frameOf.get(page);
      let hits = references;
      if (pfn === undefined) {
        if (free.length === 0 && held.size === 0) continue;
        if (free.length === 0) victims.push(reclaim());
        [pfn] = free.splice(step.free % free.length, 1);
        managed.fill(pfn!, page);
        held.add(pfn!);
        frameOf.set(page, pfn!);
        pageIn.set(pfn!, page);
        evicted.delete(page);
        hits -= 1;
      }
      // A locked page is none of the policy's business.
      if (!held.has(pfn!)) continue;
      if (hits > 0) managed.hit(pfn!, hits);
      if (write) managed.write(pfn!);
    } else if (step.do === "remove") remove(step.page);
    else if (step.do === "exit") for (let page = step.from; page <= step.to; page += 1) remove(page);
    else if (step.do === "reclaim") {
      for (let left = Math.min(step.pages, held.size); left > 0; left -= 1) victims.push(reclaim());
    } else if (step.do === "spare" && held.size > 0) {
      const pfn = victim();
      victims.push(pfn);
      managed.forget(pageIn.get(pfn)!);
      managed.fill(pfn, pageIn.get(pfn)!);
      held.add(pfn);
    } else if (step.do === "lock") {
      const pfn = frameOf.get(step.page);
      if (pfn === undefined) continue;
      if (held.delete(pfn)) {
        managed.remove(pfn);
      } else {
        managed.fill(pfn, step.page);
        held.add(pfn);
      }
    }
    if (managed.state().held !== held.size) throw new Error("the policy holds another number of pages");
    yield `${JSON.stringify(step)}: ${victims}`;
  }
}
