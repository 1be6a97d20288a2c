/**
 * `kmem`: replays allocation events recorded from a real kernel against several allocators, and says what
 * each would have held and wasted, what took most by class and call site, and what was not freed.
 */

import { setImmediate } from "node:timers/promises";
import { bootKernelMemory } from "../engine/kernel_memory.ts";
import { InterruptedError, TraceError, UserError } from "../errors.ts";
import { physicalMemory } from "../machine/physical.ts";
import { type KmemBatch, type KmemEvent, readKmemEvents } from "../trace/kmem/index.ts";
import { traceLabel } from "../trace/open.ts";
import type { KmemReport, Progress } from "../types.ts";
import { parseBytes } from "../units.ts";
import { BuddyOnly, FirstFit, Recorded, Slub } from "./kmem/allocators.ts";
import { KmemObjects } from "./kmem/objects.ts";
import { KmemBlocks } from "./kmem/pages.ts";
import { performanceOf } from "./performance.ts";
import { engineModule } from "./session.ts";

export interface KmemOptions {
  /** A file of events, or `-` for standard input. */
  events: string;
  /** The machine's memory; default 4GiB. */
  memory?: string | undefined;
  /** Its processors; default what the recording says, or 4. */
  cpus?: number | undefined;
  /** Call sites to report; default 10. */
  top?: number | undefined;
  skipBadLines?: boolean | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
}

const MEMORY_DEFAULT = "4GiB";
const CPUS_DEFAULT = 4;
const CPUS_MAX = 1024;
const TOP_DEFAULT = 10;
const PROGRESS_MS = 100;

export async function kmem(options: KmemOptions): Promise<KmemReport> {
  const start = performance.now();
  const { events: path, top = TOP_DEFAULT, skipBadLines = false, signal } = options;
  const memoryBytes = parseBytes(options.memory ?? MEMORY_DEFAULT, "--memory");
  checkCpus(options.cpus);
  const label = traceLabel(path);
  const tell = teller(options.onProgress, start);
  const trace = { path, events: 0, other_events: 0, lost_events: 0, skipped: 0 };
  const blocks = new KmemBlocks();
  let machine: Machine | undefined;
  for await (const batch of readKmemEvents(path, { skipBadLines })) {
    trace.skipped += batch.badLines;
    machine ??= newMachine(memoryBytes, options.cpus ?? batch.cpus, batch, label);
    for (const event of batch.events) take(event, trace, machine?.objects, blocks);
    tell(batch.share, trace.events);
    await setImmediate();
    if (signal?.aborted) throw new InterruptedError();
  }
  if (machine === undefined || trace.events === 0) {
    throw new TraceError(
      `${label}: holds no events of kernel allocation; perf record -e 'kmem:*' records them`,
    );
  }
  const { objects, slub, cpus } = machine;
  const { seconds, peak_rss_bytes } = performanceOf((performance.now() - start) / 1000, 0, 1);
  return {
    command: "kmem",
    trace,
    machine: { memory_bytes: memoryBytes, cpus },
    objects: objects.summary(),
    allocators: objects.allocators(),
    classes: objects.classes(),
    wasteful_call_sites: objects.wasteful(top),
    live_call_sites: objects.unfreed(top),
    pages: blocks.summary(),
    slabinfo: slub.memory.slabRows().filter(({ num_objs }) => num_objs > 0),
    performance: { seconds, events_per_second: trace.events / seconds, peak_rss_bytes },
  };
}

// --- internal ---

interface Machine {
  cpus: number;
  slub: Slub;
  objects: KmemObjects;
}

function checkCpus(cpus: number | undefined): void {
  if (cpus === undefined || (Number.isInteger(cpus) && cpus >= 1 && cpus <= CPUS_MAX)) return;
  throw new UserError(`--cpus: ${cpus} is no number of processors from 1 to ${CPUS_MAX}`);
}

/** Once there are events: what comes before says how many processors there were. */
function newMachine(
  memoryBytes: number,
  recorded: number | undefined,
  { events }: KmemBatch,
  label: string,
): Machine | undefined {
  if (events.length === 0) return undefined;
  const cpus = Math.min(CPUS_MAX, Math.max(1, recorded ?? CPUS_DEFAULT));
  const physical = physicalMemory({ bytes: memoryBytes });
  const memory = () => bootKernelMemory(engineModule(), physical, { cpus });
  const slub = new Slub(memory(), false, label);
  const allocators = [new Recorded(), slub, new Slub(memory(), true, label), new FirstFit(), new BuddyOnly()];
  return { cpus, slub, objects: new KmemObjects(allocators, cpus) };
}

function take(
  event: KmemEvent,
  trace: KmemReport["trace"],
  objects: KmemObjects | undefined,
  blocks: KmemBlocks,
): void {
  switch (event.kind) {
    case "other_event":
      trace.other_events++;
      return;
    case "lost":
      trace.lost_events += event.events;
      return;
    case "nothing":
      return;
    case "alloc":
      objects?.alloc(event);
      break;
    case "free":
      objects?.free(event.ptr, event.cpu);
      break;
    case "page_alloc":
      blocks.alloc(event);
      break;
    case "page_free":
      blocks.free(event);
      break;
    case "fallback":
      blocks.fallback(event);
      break;
  }
  trace.events++;
}

function teller(onProgress: KmemOptions["onProgress"], start: number) {
  let told = start;
  return (share: number | undefined, events: number): void => {
    const now = performance.now();
    if (onProgress === undefined || now - told < PROGRESS_MS) return;
    told = now;
    const seconds = (now - start) / 1000;
    onProgress({
      phase: "replaying",
      share: share === undefined ? undefined : Math.min(1, share),
      references: events,
      references_per_second: events / seconds,
      seconds_left: share === undefined || share === 0 ? undefined : (seconds / share) * (1 - share),
    });
  };
}
