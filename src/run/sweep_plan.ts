/** What a sweep was asked for, as cells: traces x policies x sizes. */

import { UserError } from "../errors.ts";
import { PAGE_SHIFTS } from "../machine/paging.ts";
import type { ChosenPolicy, PageSize, Progress } from "../types.ts";
import { parseBytes, parsePercentage } from "../units.ts";
import { chunkCountOf, seedOf, workersOf } from "./plan.ts";
import { choosePolicyAndEngine } from "./policy.ts";
import { engineModule } from "./session.ts";
import type { TraceTask } from "./tasks.ts";
import { checkFormat, includeMask, pageSizeOf, type TraceOptions } from "./trace_options.ts";

export interface SweepOptions extends TraceOptions {
  /** Files, or `-` for standard input. */
  traces: readonly string[];
  /** `lru,clock:bits=2,fill=referenced,./my-policy.ts`, or the policies one by one. */
  policies?: string | readonly string[] | undefined;
  /** `100,1000`, `10%,50%`, `64MiB`, `LOW:HIGH:STEPS` in equal ratios, or numbers. */
  frames?: string | number | readonly (string | number)[] | undefined;
  seed?: number | undefined;
  workers?: number | undefined;
  /** Runs every cell in so many chunks of its trace, side by side, and says how far off that may be. */
  approximateSplit?: number | undefined;
  /** A cell of a user's own policy that stands still for so long is given up; default 30. */
  stallSeconds?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Told, in a sentence, what else happens, such as a trace being packed. */
  onNotice?: ((text: string) => void) | undefined;
}

export interface SweepPolicy {
  chosen: ChosenPolicy;
  /** The engine with the user's own policy in it; the project's engine otherwise. */
  module: WebAssembly.Module | undefined;
}

export interface SweepPlan {
  traces: TraceTask[];
  policies: SweepPolicy[];
  sizes: Size[];
  pageSize: PageSize;
  seed: number;
  workers: number | undefined;
  stallSeconds: number;
  /** Chunks that a trace is cut in; 1 is exact. */
  chunks: number;
}

/** Frames of a trace with so many distinct pages; each entry of `--frames` may give several. */
export type Size = (pages: number) => number[];

const POLICIES_DEFAULT = "fifo,lru,clock,2q,arc,lirs,s3-fifo,sieve,opt";
const STALL_SECONDS_DEFAULT = 30;
const FRAMES_DEFAULT = "1%,5%,10%,25%,50%";

/** Policies of the user's own are compiled here. */
export async function planSweep(options: SweepOptions): Promise<SweepPlan> {
  const { traces, policies = POLICIES_DEFAULT, frames = FRAMES_DEFAULT } = options;
  if (traces.length === 0) throw new UserError("name at least one trace");
  checkFormat(options.format);
  const pageSize = pageSizeOf(options.pageSize ?? "4KiB");
  const pageShift = PAGE_SHIFTS[pageSize];
  const { format, skipBadLines = false, splitBlocks = false } = options;
  const how = { format, pageShift, include: includeMask(options.include), skipBadLines, splitBlocks };
  return {
    traces: traces.map((path) => ({ path, ...how, machine: undefined })),
    policies: await choosePolicies(policySpecs(policies), options),
    sizes: sizesOf(frames, 2 ** pageShift),
    pageSize,
    seed: seedOf(options.seed ?? 1),
    workers: workersOf(options.workers),
    chunks: chunkCountOf(options.approximateSplit ?? 1),
    stallSeconds: stallSecondsOf(options.stallSeconds ?? STALL_SECONDS_DEFAULT),
  };
}

async function choosePolicies(specs: string[], options: SweepOptions): Promise<SweepPolicy[]> {
  const { signal, onProgress } = options;
  const policies: SweepPolicy[] = [];
  for (const spec of specs) {
    const { policy: chosen, module } = await choosePolicyAndEngine(spec, { signal, onProgress });
    const same = policies.find(({ chosen: { name, file } }) => name === chosen.name && file !== chosen.file);
    if (same !== undefined) {
      throw new UserError(
        `--policies: two policies call themselves "${chosen.name}"; rename one in its about()`,
      );
    }
    policies.push({ chosen, module: module === engineModule() ? undefined : module });
  }
  return policies;
}

function stallSecondsOf(seconds: number): number {
  if (Number.isFinite(seconds) && seconds > 0) return seconds;
  throw new UserError(`--stall-seconds: ${seconds} is not a number of seconds above 0`);
}

/** The distinct numbers of frames for a trace, ascending. */
export function framesFor(sizes: Size[], pages: number): number[] {
  return [...new Set(sizes.flatMap((size) => size(pages)))].sort((a, b) => a - b);
}

/** `a,b:x=1,y=2,c` as `a`, `b:x=1,y=2`, `c`: an assignment belongs to the policy before it. */
function policySpecs(policies: string | readonly string[]): string[] {
  const parts = typeof policies === "string" ? policies.split(",") : policies;
  const specs: string[] = [];
  for (const part of parts) {
    const isAssignment = /^[^:/]*=/.test(part);
    if (isAssignment && specs.length > 0) specs[specs.length - 1] += `,${part}`;
    else specs.push(part.trim());
  }
  const twice = specs.find((spec, index) => specs.indexOf(spec) !== index);
  if (twice !== undefined) throw new UserError(`--policies: ${twice} is named twice`);
  return specs;
}

export function sizesOf(frames: NonNullable<SweepOptions["frames"]>, pageBytes: number): Size[] {
  const parts = typeof frames === "string" ? frames.split(",") : [frames].flat();
  return parts.map((part) => sizeOf(String(part).trim(), pageBytes));
}

function sizeOf(text: string, pageBytes: number): Size {
  const parts = text.split(":");
  if (parts.length === 1) {
    const one = boundOf(text, pageBytes);
    return (pages) => [one(pages)];
  }
  const [low = "", high = "", steps = ""] = parts;
  const count = /^\d+$/.test(steps) ? Number(steps) : Number.NaN;
  if (parts.length !== 3 || !(count >= 2 && count <= 1000)) {
    throw new UserError(`--frames: "${text}" is no range; write LOW:HIGH:STEPS with 2 to 1000 steps`);
  }
  const [from, to] = [boundOf(low, pageBytes), boundOf(high, pageBytes)];
  return (pages) => {
    const [first, last] = [from(pages), to(pages)];
    if (last < first) throw new UserError(`--frames: "${text}" runs from ${first} down to ${last} frames`);
    return Array.from({ length: count }, (_, step) =>
      Math.round(first * (last / first) ** (step / (count - 1))),
    );
  };
}

function boundOf(text: string, pageBytes: number): (pages: number) => number {
  const share = parsePercentage(text);
  if (share !== undefined) {
    if (share <= 0 || share > 100) {
      throw new UserError(`--frames: ${text}: a percentage must be above 0% and at most 10000%`);
    }
    return (pages) => Math.max(1, Math.round(share * pages));
  }
  const count = /^\d+$/.test(text) ? Number(text) : Math.floor(sizeInBytes(text) / pageBytes);
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new UserError(
      `--frames: "${text}" is no size; write frames like 1000, a percentage like 10%, or memory like 64MiB`,
    );
  }
  return () => count;
}

function sizeInBytes(text: string): number {
  return /[a-z]/i.test(text) && /^\d/.test(text) ? parseBytes(text, "--frames") : Number.NaN;
}
