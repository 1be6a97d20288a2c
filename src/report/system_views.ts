/**
 * Views of a machine while it runs, one snapshot after the other. A view that is shown alone is as the kernel
 * prints it; others are each headed by their names and times. procps's `vmstat`, if it is alone, is one table
 * as `vmstat 1` prints it, with rates over the time since the line before.
 */

import { UserError } from "../errors.ts";
import { isAbsent, type MachineState, type Part, type ViewName } from "../machine_state.ts";
import type { PartialState, SystemSnapshot } from "../types.ts";
import { renderDuration } from "./system_text.ts";
import { renderView } from "./views/index.ts";
import { renderVmstatLine, VMSTAT_HEAD, type VmstatSample } from "./views/procps_vmstat.ts";

/** Before anything was counted. */
const BOOT: VmstatSample = {
  meminfo: [],
  vmstat: [],
  stat: { cpu: [], intr: 0, ctxt: 0, processes: 0, procs_running: 0, procs_blocked: 0 },
  page_bytes: 4096,
};

export class SnapshotText {
  readonly #isHeaded: boolean;
  #isFirst = true;
  /** What `vmstat` printed last. */
  #before = BOOT;
  #beforeMs = 0;

  /** `isHeaded`: every view has its heading, for something else follows. */
  constructor({ isHeaded = false } = {}) {
    this.#isHeaded = isHeaded;
  }

  /** Whether anything has been shown. */
  get isEmpty(): boolean {
    return this.#isFirst;
  }

  /** `isTimed`: views are shown at other times too. */
  next(snapshot: SystemSnapshot, isTimed: boolean): string {
    const { views, state, at_ms } = snapshot;
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    const [view] = views;
    if (views.length === 1 && view !== undefined && !this.#isHeaded) {
      if (!isTimed) return strictText(state, view);
      if (view === "procps-vmstat") return (isFirst ? VMSTAT_HEAD : "") + this.#vmstatLine(snapshot);
    }
    const texts = views.map((view) => {
      if (!isTimed) return `==> ${view} <==\n${strictText(state, view)}`;
      const text = view === "procps-vmstat" ? VMSTAT_HEAD + this.#vmstatLine(snapshot) : textOf(state, view);
      return `==> ${view} at ${renderDuration(at_ms)} <==\n${isAbsent(text) ? `${text.absent}\n` : text}`;
    });
    return (isFirst ? "" : "\n") + texts.join("\n");
  }

  /** Nothing when no time has passed since the last. */
  #vmstatLine({ at_ms, state }: SystemSnapshot): string {
    const { meminfo = [], vmstat = [], stat = BOOT.stat, page_bytes } = state;
    const seconds = (at_ms - this.#beforeMs) / 1000;
    if (seconds === 0 || isAbsent(meminfo) || isAbsent(vmstat) || isAbsent(stat)) return "";
    const sample = { meminfo, vmstat, stat, page_bytes };
    const line = renderVmstatLine(sample, { before: this.#before, seconds });
    this.#before = sample;
    this.#beforeMs = at_ms;
    return line;
  }
}

/** The parts that the view is made of are there. */
function textOf(state: PartialState, view: ViewName): Part<string> {
  return renderView(state as MachineState, view);
}

/** Where there is nothing else to show, that there is nothing is an error. */
function strictText(state: PartialState, view: ViewName): string {
  const text = textOf(state, view);
  if (isAbsent(text)) throw new UserError(`--view ${view}: ${text.absent}`);
  return text;
}
