/** What is looked at while a scenario runs, and when: as the scenario says, or options in its stead. */

import { UserError } from "../../errors.ts";
import type { ViewName } from "../../machine_state.ts";
import { nearest } from "../../nearest.ts";
import type { Scenario } from "../../scenario/scenario.ts";
import type { SystemSnapshot } from "../../types.ts";
import { parseDuration } from "../../units.ts";
import { processNames } from "./samples.ts";
import type { Task } from "./task.ts";
import { timelineFormat } from "./timeline.ts";

export interface WatchOptions {
  /** Views, in place of the scenario's. */
  views?: readonly ViewName[] | undefined;
  /** How often, as `100ms`; views and the timeline. */
  every?: string | undefined;
  /** When views are shown besides, as `1.5s`. */
  at?: readonly string[] | undefined;
  /** Processes that views of processes show, by name or number; all that run if none is given. */
  processes?: readonly string[] | undefined;
  /** A .json or .csv file to write a timeline to. */
  timeline?: string | undefined;
  /** Takes what views show as it comes; without it the report has it all. */
  onSnapshot?: OnSnapshot | undefined;
}

/** `isTimed`: there are others, or would be if the run were longer. */
export type OnSnapshot = (snapshot: SystemSnapshot, isTimed: boolean) => void;

export interface Looks {
  views: readonly ViewName[];
  everyNs: number | undefined;
  atNs: readonly number[];
  /** Names of all processes there will be. */
  names: readonly string[];
  isShown: (task: Task) => boolean;
}

export function planLooks(scenario: Scenario, options: WatchOptions): Looks {
  const { views = scenario.views, processes = [], timeline } = options;
  if (timeline !== undefined) timelineFormat(timeline);
  const everyNs = options.every === undefined ? scenario.every : intervalOf(options.every);
  const atNs = options.at === undefined ? scenario.at : options.at.map(timeOf);
  if (views.length === 0 && options.at !== undefined) {
    throw new UserError("--at says when views are shown; name some with --view");
  }
  if (views.length === 0 && timeline === undefined && options.every !== undefined) {
    throw new UserError("--every says how often; name what with --view or --timeline");
  }
  const names = processNames(scenario);
  checkProcesses(processes, names, scenario);
  return {
    views,
    everyNs,
    atNs,
    names,
    isShown: ({ name, pid, end }) =>
      processes.length === 0
        ? end === "running"
        : processes.some((who) => who === name || who === String(pid)),
  };
}

// --- internal ---

function intervalOf(text: string): number {
  const ns = parseDuration(text);
  if (ns !== undefined && ns > 0) return ns;
  throw new UserError(`--every: "${text}" is no interval; write it like 200ms or 5s`);
}

function timeOf(text: string): number {
  const ns = parseDuration(text);
  if (ns !== undefined) return ns;
  throw new UserError(`--at: "${text}" is no time; write it like 200ms or 1.5s`);
}

/** Children get their numbers when they are forked; those that the scenario starts are numbered from 1 on. */
function checkProcesses(wanted: readonly string[], names: readonly string[], { processes }: Scenario): void {
  const started = processes.reduce((sum, { count }) => sum + count, 0);
  const mayFork = names.length > started;
  for (const who of wanted) {
    if (names.includes(who)) continue;
    const pid = /^\d+$/.test(who) ? Number(who) : 0;
    if (pid > 0 && (pid <= started || mayFork)) continue;
    throw new UserError(
      `--pid ${who}: the scenario has no such process${nearest(who, names)}; it has ${listed(names)}`,
    );
  }
}

const LISTED_MAX = 10;

function listed(names: readonly string[]): string {
  const more = names.length > LISTED_MAX ? ` and ${names.length - LISTED_MAX} more` : "";
  return `${names.slice(0, LISTED_MAX).join(", ")}${more}`;
}
