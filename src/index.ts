/** The library: what the command line does, it does. */

export { EXIT, exitCodeOf, InterruptedError, TraceError, UserError } from "./errors.ts";
export { listMachines } from "./machine/machine.ts";
export { listFormats, listPolicies } from "./run/lists.ts";
export type { ReplayOptions } from "./run/plan.ts";
export { replay } from "./run/replay.ts";
export type {
  Access,
  Costs,
  Kind,
  PageSize,
  PolicyAbout,
  Progress,
  ReplayReport,
  TlbName,
  TlbPolicy,
  Verdict,
} from "./types.ts";
