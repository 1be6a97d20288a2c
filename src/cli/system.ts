/** `clockhand system` */

import { Command } from "commander";
import { UserError } from "../errors.ts";
import { isAbsent, type MachineState, PROCESS_VIEWS, VIEW_NAMES, type ViewName } from "../machine_state.ts";
import { nearest } from "../nearest.ts";
import { runCommand } from "./run_command.ts";

const EXAMPLES = `
Views are files of /proc by name, as the kernel prints them (meminfo, vmstat, zoneinfo, buddyinfo,
pagetypeinfo, slabinfo, vmallocinfo, pressure, swaps, and with --pid smaps and smaps_rollup), and
commands of procps's: free, "free -h", "free -m", and vmstat's table as procps-vmstat.

Examples:
  $ clockhand system scenarios/oom.yaml                 # docs/scenarios.md says how to write one
  $ clockhand system scenarios/mlock.yaml --view meminfo
  $ clockhand system scenarios/overcommit.yaml --json
  $ clockhand system scenarios/mlock.yaml --view procps-vmstat --every 100ms
  $ clockhand system scenarios/mlock.yaml --view "free -h,smaps" --at 50ms --at 1s --pid locked
  $ clockhand system scenarios/mlock.yaml --timeline mlock.csv
  $ clockhand system scenarios/oom.yaml --machine host  # as large as this computer, and set like it
  $ clockhand system --host                             # this computer's memory at a glance
  $ clockhand system --host --view "free -h,buddyinfo"
  $ clockhand system --host --view smaps --pid 1234
  $ clockhand system --host --json
  $ clockhand system --host --proc ./sosreport/proc     # another computer's files
`;

interface Flags {
  host?: boolean;
  view?: string;
  every?: string;
  at?: string[];
  timeline?: string;
  machine?: string;
  pid?: string[];
  proc?: string;
  json?: boolean;
}

export function systemCommand(): Command {
  return new Command("system")
    .description("run processes on a modelled Linux machine, or show this computer's memory")
    .argument("[scenario]", "a scenario's YAML file")
    .option("--host", "this computer, by its /proc")
    .option("--view <names>", "views, separated by commas (default: a summary)")
    .option("--every <interval>", "show them every so often of the machine's time, as 100ms")
    .option("--at <times>", "show them at these times, separated by commas", collect)
    .option("--pid <n>", "a process to show, of a scenario also by name; may be given several times", collect)
    .option("--timeline <file>", "write the run's course as .json or .csv")
    .option("--machine <host>", "host: run the scenario on a machine like this computer")
    .option("--proc <folder>", "read a copy of another computer's /proc")
    .option("--json", "print one JSON document instead of text")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

function collect(text: string, all: string[] = []): string[] {
  return [...all, ...text.split(",").map((part) => part.trim())];
}

async function run(scenario: string | undefined, flags: Flags): Promise<void> {
  if (scenario === undefined && !flags.host) {
    throw new UserError("nothing to show; name a scenario's YAML file, or --host for this computer");
  }
  if (scenario === undefined) return runHost(flags);
  if (flags.host) throw new UserError(`${scenario}: --host shows this computer, not a scenario`);
  return runScenario(scenario, flags);
}

async function runScenario(scenario: string, flags: Flags): Promise<void> {
  const { view, every, at, timeline, machine, pid, proc, json } = flags;
  if (machine !== undefined && machine !== "host") {
    throw new UserError(
      `--machine ${machine}: only host can be named; write other machines into the scenario`,
    );
  }
  const views = view === undefined ? undefined : parseViews(view);
  const { system } = await import("../run/system.ts");
  const { SnapshotText } = await import("../report/system_views.ts");
  const isReportToo = views === undefined;
  await runCommand(async ({ signal, onProgress, onNotice, print }) => {
    const text = new SnapshotText({ isHeaded: isReportToo });
    const report = await system({
      ...{
        scenario,
        machine,
        proc,
        views,
        every,
        at,
        processes: pid,
        timeline,
        signal,
        onProgress,
        onNotice,
      },
      onSnapshot: json ? undefined : (snapshot, isTimed) => print(text.next(snapshot, isTimed)),
    });
    if (json) print(`${JSON.stringify(report, null, 2)}\n`);
    else if (isReportToo) {
      const { renderSystem } = await import("../report/system_text.ts");
      print((text.isEmpty ? "" : "\n") + renderSystem(report));
    }
    return undefined;
  });
}

/** What only a scenario has. */
const OF_SCENARIOS = ["every", "at", "timeline", "machine"] as const;

async function runHost({ view, pid = [], proc, json, ...flags }: Flags): Promise<void> {
  const other = OF_SCENARIOS.find((name) => flags[name] !== undefined);
  if (other !== undefined) throw new UserError(`--${other} goes with a scenario, not with --host`);
  const views = view === undefined ? [] : parseViews(view);
  const ofProcess = views.find((name) => PROCESS_VIEWS.includes(name));
  if (ofProcess !== undefined && pid.length === 0) {
    throw new UserError(`--view ${ofProcess}: say of which process with --pid N`);
  }
  const pids = pid.map(pidOf);
  const { hostState } = await import("../run/system_host.ts");
  await runCommand(async ({ print }) => {
    const state = await hostState({ pids, proc });
    if (json) print(`${JSON.stringify({ command: "system", host: state }, null, 2)}\n`);
    else if (views.length > 0) print(await renderViews(state, views));
    else print((await import("../report/views/summary.ts")).renderSummary(state));
    return undefined;
  });
}

function pidOf(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new UserError(`--pid ${text}: it must be a whole number`);
}

function parseViews(text: string): ViewName[] {
  return text.split(",").map((part) => {
    const typed = part.trim();
    const name = VIEW_NAMES.find((view) => view === typed);
    if (name === undefined) {
      throw new UserError(
        `--view: unknown view "${typed}"${nearest(typed, VIEW_NAMES)}; views are ${VIEW_NAMES.join(", ")}`,
      );
    }
    return name;
  });
}

/** One view is as the kernel prints it; several are each headed by its name. */
async function renderViews(state: MachineState, views: readonly ViewName[]): Promise<string> {
  const { renderView } = await import("../report/views/index.ts");
  const texts = views.map((name) => {
    const text = renderView(state, name);
    if (isAbsent(text)) throw new UserError(`--view ${name}: ${text.absent}`);
    return views.length === 1 ? text : `==> ${name} <==\n${text}`;
  });
  return texts.join("\n");
}
