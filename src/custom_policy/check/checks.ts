/** What must hold for every policy, whatever it does; each check says what it asks. */

import { Engine } from "../../engine/engine.ts";
import type { ChosenPolicy } from "../../types.ts";
import { formatCount } from "../../units.ts";
import { isRemovable, manage } from "./removal.ts";
import { type Cell, type Counts, differences, folded, replayLab, replayMmu, unfolded } from "./runs.ts";
import { stepThrough } from "./step.ts";
import { type Stream, singleReference, streamsFor } from "./streams.ts";

/** The policy with one choice of parameters. */
export interface Variant {
  /** `chances=3`, or nothing where there are no parameters. */
  title: string;
  policy: ChosenPolicy;
}

export interface Subject {
  release: WebAssembly.Module;
  debug: WebAssembly.Module;
  variants: Variant[];
  opt: ChosenPolicy;
  /** A policy that reserves nothing. */
  fifo: ChosenPolicy;
  /** For how many pages a replay reserves room when it has not counted them. */
  pages: number;
}

/** Says what is being done, for the case that it never ends. */
export interface Watch {
  at(what: string): void;
  /** Reference number `position` of it. */
  step(position: number): void;
}

export interface Finding {
  result: "pass" | "warn" | "fail";
  /** What was found. */
  detail: string;
}

export interface Check {
  name: string;
  asks: string;
  /** When it fails, the others would only fail for the same reason, and are not run. */
  vital?: boolean;
  run(subject: Subject, watch: Watch): Finding;
}

const FRAMES = [1, 2, 3, 24];
const REFERENCES = 600;

interface Case {
  stream: Stream;
  frames: number;
}

const CASES: Case[] = [
  { stream: singleReference(), frames: 1 },
  ...FRAMES.flatMap((frames) => streamsFor(frames, REFERENCES).map((stream) => ({ stream, frames }))),
];

export const CHECKS: Check[] = [
  {
    name: "paging",
    asks: "every fault takes a free frame or that of a victim, and nothing else changes",
    vital: true,
    run: (subject, watch) => {
      for (const module of [subject.debug, subject.release]) {
        eachCase(subject, watch, (policy, { stream, frames }, step) => {
          stepThrough({ module, policy, frames }, stream, step);
        });
      }
      return pass(`${formatCount(CASES.length * subject.variants.length)} streams`);
    },
  },
  {
    name: "room for all",
    asks: "with as many frames as pages, only first touches fault",
    run: (subject, watch) => {
      eachCase(subject, watch, (policy, { stream }) => {
        for (const frames of [stream.pages, 2 * stream.pages + 1]) {
          const { minor, major, evictions } = replayLab(release(subject, policy, frames), folded(stream));
          if (major + evictions > 0 || minor !== stream.pages) {
            throw new Error(`${major} major faults and ${evictions} evictions with ${frames} frames`);
          }
        }
      });
      return pass();
    },
  },
  {
    name: "optimum",
    asks: "never fewer faults than OPT",
    run: (subject, watch) => {
      eachCase(subject, watch, (policy, { stream, frames }) => {
        const runs = unfolded(stream);
        const faults = faultsOf(replayLab(release(subject, policy, frames), runs));
        const fewest = faultsOf(replayLab(release(subject, subject.opt, frames), runs));
        if (faults < fewest) throw new Error(`${faults} faults, and no policy can have fewer than ${fewest}`);
      });
      return pass();
    },
  },
  {
    name: "runs",
    asks: "onHit(pfn, n) does what n times onHit(pfn, 1) does",
    run: (subject, watch) => {
      return compare(subject, watch, "as a run", (policy, stream, frames) => [
        replayLab(release(subject, policy, frames), folded(stream)),
        replayLab(release(subject, policy, frames), unfolded(stream)),
      ]);
    },
  },
  {
    name: "repeatable",
    asks: "the same seed gives the same counts",
    run: (subject, watch) => {
      return compare(subject, watch, "at the second time", (policy, stream, frames) => {
        const cell: Cell = { ...release(subject, policy, frames), seed: 7 };
        const runs = folded(stream);
        return [replayLab(cell, runs), replayLab(cell, runs)];
      });
    },
  },
  {
    name: "builds",
    asks: "the debug build, with assertions, counts what the release build counts",
    run: (subject, watch) => {
      return compare(subject, watch, "in the debug build", (policy, stream, frames) => {
        const cell = release(subject, policy, frames);
        const runs = folded(stream);
        return [replayLab({ ...cell, module: subject.debug }, runs), replayLab(cell, runs)];
      });
    },
  },
  {
    name: "mmu",
    asks: "behind TLBs and a page walk it pages as in the policy lab",
    run: (subject, watch) => {
      return compare(subject, watch, "behind an MMU", (policy, stream, frames) => {
        const cell = release(subject, policy, frames);
        const runs = folded(stream);
        return [replayMmu(cell, runs), replayLab(cell, runs)];
      });
    },
  },
  {
    name: "removal",
    asks: "pages may go by themselves, and victims be taken ahead of need",
    run: checkRemoval,
  },
  { name: "memory", asks: "its arrays fit into an engine's 4 GiB", run: checkMemory },
  { name: "victims", asks: "the victims are not all in one frame", run: checkVictims },
];

// --- internal ---

function pass(detail = ""): Finding {
  return { result: "pass", detail };
}

function release({ release: module }: Subject, policy: ChosenPolicy, frames: number): Cell {
  return { module, policy, frames };
}

function faultsOf({ minor, major }: Counts): number {
  return minor + major;
}

type Use = (policy: ChosenPolicy, it: Case, step: (position: number) => void) => void;

/** Runs every variant on every stream; what goes wrong says where. */
function eachCase({ variants }: Subject, watch: Watch, use: Use): void {
  for (const { title, policy } of variants) {
    for (const it of CASES) {
      const frames = `${it.frames} frame${it.frames === 1 ? "" : "s"}`;
      const parts = [title, frames, `stream "${it.stream.title}"`];
      const what = parts.filter((part) => part !== "").join(", ");
      watch.at(what);
      let place = what;
      try {
        use(policy, it, (position) => {
          place = `${what}, reference ${position}`;
          watch.step(position);
        });
      } catch (error) {
        throw new Error(`${place}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
}

/** Each pair of counts must be equal; `which` says what the first of them is. */
function compare(
  subject: Subject,
  watch: Watch,
  which: string,
  counts: (policy: ChosenPolicy, stream: Stream, frames: number) => [Counts, Counts],
): Finding {
  eachCase(subject, watch, (policy, { stream, frames }) => {
    const wrong = differences(...counts(policy, stream, frames));
    if (wrong !== "") throw new Error(`${which} ${wrong}`);
  });
  return pass();
}

function checkRemoval(subject: Subject, watch: Watch): Finding {
  const { release: module, debug, variants } = subject;
  if (!variants.every(({ policy }) => isRemovable(module, policy))) {
    return pass("not asked: it has no onRemove, and so cannot be used where processes end");
  }
  eachCase(subject, watch, (policy, { stream, frames }, step) => {
    const victims = manage({ module, policy, frames }, stream, step);
    const others = manage({ module: debug, policy, frames }, stream, step);
    const at = victims.findIndex((pfn, index) => pfn !== others[index]);
    if (at < 0) return;
    throw new Error(`victim ${at} is in frame ${victims[at]}, and in the debug build in ${others[at]}`);
  });
  return pass();
}

function checkMemory({ release: module, variants, fifo, pages }: Subject, watch: Watch): Finding {
  const frames = 1 << 10;
  const few = 1 << 20;
  const bytes = (policy: ChosenPolicy, frames: number, pages: number): number => {
    const runs = { capacity: 1, interned: true, clairvoyant: policy.clairvoyant };
    return new Engine(module, { runs, memory: { frames, policy }, pages }).core.reservedBytes();
  };
  let perPage = 0;
  let perFrame = 0;
  for (const { title, policy } of variants) {
    watch.at(`init${title === "" ? "" : ` with ${title}`}`);
    const own = (frames: number, pages: number) => bytes(policy, frames, pages) - bytes(fifo, frames, pages);
    perPage = Math.max(perPage, (own(frames, 2 * few) - own(frames, few)) / few);
    perFrame = Math.max(perFrame, (own(frames + few, few) - own(frames, few)) / few);
    try {
      bytes(policy, frames, pages);
    } catch (error) {
      const room = `with room for ${formatCount(pages)} pages, which a replay makes before it has counted them`;
      throw new Error(`${room}: ${(error as Error).message}`);
    }
  }
  return pass(`${formatState(perFrame)} a frame and ${formatState(perPage)} a page`);
}

function formatState(bytes: number): string {
  const rounded = Math.round(bytes * 10) / 10;
  return `${rounded} byte${rounded === 1 ? "" : "s"}`;
}

function checkVictims(subject: Subject, watch: Watch): Finding {
  const seen = new Map<number, number>();
  eachCase(subject, watch, (policy, { stream, frames }, step) => {
    if (frames === 1) return;
    const cell = release(subject, policy, frames);
    for (const pfn of stepThrough(cell, stream, step)) seen.set(pfn, (seen.get(pfn) ?? 0) + 1);
  });
  const [[pfn, count] = [0, 0]] = seen;
  if (seen.size !== 1) return pass();
  const detail = `victim() returned frame ${pfn} all ${formatCount(count)} times; does it forget to go on?`;
  return { result: "warn", detail };
}
