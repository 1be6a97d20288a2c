/** `clockhand system` */

import { Command } from "commander";
import { UserError } from "../errors.ts";
import { isAbsent, type MachineState, VIEW_NAMES, type ViewName } from "../machine_state.ts";
import { nearest } from "../nearest.ts";
import { runCommand } from "./run_command.ts";
import { wholeNumber } from "./trace_options.ts";

const EXAMPLES = `
Views are files of /proc by name, as the kernel prints them (meminfo, vmstat, zoneinfo, buddyinfo,
pagetypeinfo, slabinfo, vmallocinfo, pressure, swaps, and with --pid smaps and smaps_rollup), and
commands of procps's: free, "free -h", "free -m", and vmstat's table as procps-vmstat.

Examples:
  $ clockhand system scenarios/oom.yaml                 # docs/scenarios.md says how to write one
  $ clockhand system scenarios/mlock.yaml --view meminfo
  $ clockhand system scenarios/overcommit.yaml --json
  $ clockhand system --host                             # this computer's memory at a glance
  $ clockhand system --host --view "free -h,buddyinfo"
  $ clockhand system --host --view smaps --pid 1234
  $ clockhand system --host --json
  $ clockhand system --host --proc ./sosreport/proc     # another computer's files
`;

interface Flags {
  host?: boolean;
  view?: string;
  pid?: number[];
  proc?: string;
  json?: boolean;
}

/** Views of processes, which have to be named. */
const PROCESS_VIEWS: readonly ViewName[] = ["smaps", "smaps_rollup"];

export function systemCommand(): Command {
  return new Command("system")
    .description("run processes on a modelled Linux machine, or show this computer's memory")
    .argument("[scenario]", "a scenario's YAML file")
    .option("--host", "this computer, by its /proc")
    .option("--view <names>", "views, separated by commas (default: a summary)")
    .option("--pid <n>", "a process to show; may be given several times", collectPids)
    .option("--proc <folder>", "read a copy of another computer's /proc")
    .option("--json", "print one JSON document instead of text")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

function collectPids(text: string, pids: number[] = []): number[] {
  return [...pids, wholeNumber(text)];
}

async function run(scenario: string | undefined, flags: Flags): Promise<void> {
  if (scenario === undefined && !flags.host) {
    throw new UserError("nothing to show; name a scenario's YAML file, or --host for this computer");
  }
  if (scenario === undefined) return runHost(flags);
  if (flags.host) throw new UserError(`${scenario}: --host shows this computer, not a scenario`);
  return runScenario(scenario, flags);
}

async function runScenario(scenario: string, { view, json }: Flags): Promise<void> {
  const views = view === undefined ? [] : parseViews(view);
  const { system } = await import("../run/system.ts");
  await runCommand(async ({ signal, onProgress, onNotice, print }) => {
    const report = await system({ scenario, signal, onProgress, onNotice });
    if (json) print(`${JSON.stringify(report, null, 2)}\n`);
    else if (views.length > 0) print(await renderViews(report.state, views));
    else print((await import("../report/system_text.ts")).renderSystem(report));
    return undefined;
  });
}

async function runHost({ view, pid = [], proc, json }: Flags): Promise<void> {
  const views = view === undefined ? [] : parseViews(view);
  const ofProcess = views.find((name) => PROCESS_VIEWS.includes(name));
  if (ofProcess !== undefined && pid.length === 0) {
    throw new UserError(`--view ${ofProcess}: say of which process with --pid N`);
  }
  const { hostState } = await import("../run/system_host.ts");
  await runCommand(async ({ print }) => {
    const state = await hostState({ pids: pid, proc });
    if (json) print(`${JSON.stringify({ command: "system", host: state }, null, 2)}\n`);
    else if (views.length > 0) print(await renderViews(state, views));
    else print((await import("../report/views/summary.ts")).renderSummary(state));
    return undefined;
  });
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
