/** The state of the computer that this runs on: what its kernel says about memory. */

import { type Pid, readMachineState } from "../host/read.ts";
import type { MachineState } from "../machine_state.ts";

export interface HostOptions {
  /** Processes to read mappings and faults of; `self` is this one. */
  pids?: readonly Pid[] | undefined;
  /** A copy of another machine's /proc, which may lack files; default /proc. */
  proc?: string | undefined;
}

/** What is hidden from this user says so in its place; only a system without /proc is an error. */
export async function hostState({ pids = [], proc = "/proc" }: HostOptions = {}): Promise<MachineState> {
  return readMachineState(proc, pids);
}
