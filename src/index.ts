/** The library: what the command line does, it does. */

export { EXIT, exitCodeOf, InterruptedError, TraceError, UserError } from "./errors.ts";
export { listMachines } from "./machine/machine.ts";
export type {
  Absent,
  BuddyRow,
  Counter,
  MachineState,
  Mapping,
  Pagetypeinfo,
  Part,
  Pressure,
  ProcessState,
  Quantity,
  SlabCache,
  Swaps,
  SystemStat,
  ViewName,
  VmallocArea,
  Zone,
} from "./machine_state.ts";
export { type GenOptions, gen } from "./run/gen.ts";
export { type HeapRunOptions, heap } from "./run/heap.ts";
export { type ImportPerfOptions, type ImportPerfReport, importPerf } from "./run/import_perf.ts";
export { type InfoOptions, info } from "./run/info.ts";
export { type KmemOptions, kmem } from "./run/kmem.ts";
export { listFormats, listPatterns, listPolicies } from "./run/lists.ts";
export { type MrcOptions, mrc } from "./run/mrc.ts";
export { type PackOptions, pack } from "./run/pack.ts";
export type { ReplayOptions } from "./run/plan.ts";
export { type RecordOptions, record } from "./run/record.ts";
export { replay } from "./run/replay.ts";
export { sweep } from "./run/sweep.ts";
export type { SweepOptions } from "./run/sweep_plan.ts";
export { type SystemOptions, system } from "./run/system.ts";
export { type HostOptions, hostState } from "./run/system_host.ts";
export { type UnpackOptions, unpack } from "./run/unpack.ts";
export type {
  Access,
  Approximation,
  Costs,
  CurvePoint,
  DamonReport,
  DamonSummary,
  FailedCell,
  FormatAbout,
  GenReport,
  HeapReport,
  HeapState,
  InfoReport,
  Kind,
  KmemReport,
  MappingClass,
  MrcReport,
  NativeRun,
  PackReport,
  PageSize,
  PatternAbout,
  PolicyAbout,
  Progress,
  RecordedMapping,
  RecordedProcess,
  Recording,
  RecordReport,
  ReplayReport,
  SweepCell,
  SweepReport,
  SystemReport,
  SystemSnapshot,
  TlbName,
  TlbPolicy,
  Verdict,
} from "./types.ts";
