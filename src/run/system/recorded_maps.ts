/**
 * What recorded programs had mapped, from the META blocks of their traces (traces/FORMAT.md): files, which
 * all processes share, the heap of `brk`, the stack, and anonymous memory.
 *
 * A recording does not tell when an area came: all are there from the beginning, and what was unmapped and
 * mapped again is mapped once. It may be used for whatever the trace does: what the dynamic linker has
 * written to before it was protected was recorded as it was protected.
 */

import * as v from "valibot";
import { MAP, type SystemEngine, VM } from "../../engine/system.ts";
import { UserError } from "../../errors.ts";
import type { PageCache, Scenario, Work } from "../../scenario/scenario.ts";
import { inspectTrace } from "../../trace/open.ts";
import { PackedTrace } from "../../trace/packed/reader.ts";
import type { MappingClass } from "../../types.ts";
import type { Task } from "./task.ts";

const PAGE_BYTES = 4096;
/** User space on x86-64 ends here. */
const ADDRESSES_MAX = 2 ** 47;
/** Larger ones would not leave the engine room for their pages' numbers; they count as anonymous memory. */
const FILE_BYTES_MAX = 2 ** 36;

/** A range of pages; `path` is empty for memory without a file, `offset` is the file's page there. */
interface RecordedMap {
  asid: number;
  start: number;
  end: number;
  class: MappingClass;
  path: string;
  offset: number;
  isWritable: boolean;
  isShared: boolean;
  /** Of a file: areas that have different ones are not made one. */
  permissions: string;
}

interface RecordedFile {
  pages: number;
  /** It is in memory and swap only. */
  isShared: boolean;
}

const Hex = (max: number) =>
  v.pipe(
    v.string(),
    v.regex(/^[0-9a-f]{1,16}$/),
    v.transform((text) => Number.parseInt(text, 16)),
    v.maxValue(max),
    v.multipleOf(PAGE_BYTES),
    v.transform((bytes) => bytes / PAGE_BYTES),
  );

const Mapping = v.pipe(
  v.object({
    asid: v.number(),
    start: Hex(ADDRESSES_MAX),
    end: Hex(ADDRESSES_MAX),
    class: v.picklist(["file", "anonymous", "heap", "stack"]),
    path: v.optional(v.string(), ""),
    offset: v.optional(Hex(FILE_BYTES_MAX)),
    permissions: v.optional(v.string()),
  }),
  v.check(({ start, end }) => start < end),
);

const Meta = v.object({ recording: v.object({ mappings: v.array(v.unknown()) }) });

/** What lies in memory though it has a name; see mm/shmem.c. */
const SHARED_MEMORY = /^(\/dev\/zero|\/dev\/shm\/|\/memfd:|\/SYSV)/;

export class RecordedMaps {
  /** By path; those of the scenario's own are not among them. */
  readonly files = new Map<string, RecordedFile>();
  readonly #mapsOf = new Map<string, RecordedMap[]>();
  /** Processes that do their work again find it all there. */
  readonly #mapped = new WeakSet<Task>();

  /** Reads what is known of a scenario's traces. */
  static async of(scenario: Scenario, resolve: (path: string) => string): Promise<RecordedMaps> {
    const maps = new RecordedMaps();
    for (const { work } of scenario.processes) {
      if (work.kind === "trace") await maps.#add(resolve(work.trace));
    }
    return maps;
  }

  async #add(path: string): Promise<void> {
    if (this.#mapsOf.has(path) || !inspectTrace(path, undefined).packed) return;
    const maps = await mapsIn(path);
    this.#mapsOf.set(path, maps);
    for (const { path, start, end, offset, isShared } of maps) {
      if (path === "") continue;
      const pages = Math.max(offset + end - start, this.files.get(path)?.pages ?? 0);
      this.files.set(path, { pages, isShared: isShared && SHARED_MEMORY.test(path) });
    }
  }

  /** Maps what the trace at `path` had mapped, in its first address space if none is named. */
  mapInto(task: Task, path: string, work: Extract<Work, { kind: "trace" }>, engine: SystemEngine): void {
    if (this.#mapped.has(task)) return;
    this.#mapped.add(task);
    const numbers = [...this.files.keys()];
    const first = engine.files.length - numbers.length;
    for (const map of this.#mapsOf.get(path) ?? []) {
      if (map.asid !== (work.address_space ?? 0)) continue;
      const file = map.path === "" ? 0 : (engine.files[first + numbers.indexOf(map.path)] as number);
      if (!mapOne(task, map, file, engine)) {
        throw new UserError(
          `${task.scenario.at}: ${map.end - map.start} pages cannot be mapped as ${path} has them: no memory`,
        );
      }
      if (file !== 0) warm(map, file, work.page_cache, engine);
    }
  }
}

// --- internal ---

async function mapsIn(path: string): Promise<RecordedMap[]> {
  const trace = await PackedTrace.open(path);
  try {
    const meta = v.safeParse(Meta, trace.readMeta());
    if (!meta.success) return [];
    return meta.output.recording.mappings.flatMap((mapping) => {
      const known = v.safeParse(Mapping, mapping);
      if (!known.success) return [];
      const { permissions = "rw-p", offset = 0, ...rest } = known.output;
      const isWritable = permissions[1] === "w";
      return [{ ...rest, offset, permissions, isWritable, isShared: permissions[3] === "s" }];
    });
  } finally {
    trace.close();
  }
}

/** False when there is no memory for it. */
function mapOne(task: Task, map: RecordedMap, file: number, { core }: SystemEngine): boolean {
  const { asid } = task;
  const pages = map.end - map.start;
  const rights = VM.READ | VM.WRITE | VM.EXEC;
  const maps = (start: number, count: number, flags: number, how: number) => {
    const { offset } = map;
    const label = file === 0 ? 0 : labelOf(map);
    const result = core.mmapPages(asid, start, count, flags, how | MAP.FIXED_NOREPLACE, file, offset, label);
    return result >= 0 || result === EEXIST;
  };
  switch (map.class) {
    case "heap":
      task.heap.brkStart = map.start * PAGE_BYTES;
      core.setBrk(asid, task.heap.brkStart, 0);
      return core.brkTo(asid, map.end * PAGE_BYTES) === map.end * PAGE_BYTES;
    case "stack":
      // exec has put the program's arguments and environment there.
      return maps(map.end - 1, 1, VM.READ | VM.WRITE | VM.GROWSDOWN, MAP.POPULATE);
    default: {
      const kept = file !== 0 && !map.isWritable ? VM.NORESERVE : 0;
      return maps(map.start, pages, rights | kept | (map.isShared ? VM.SHARED : 0), 0);
    }
  }
}

const EEXIST = -17;

/** A number for a file's permissions, from 1 on. */
function labelOf({ permissions }: RecordedMap): number {
  return ["r", "w", "x", "s"].reduce(
    (bits, right, bit) => bits | (permissions[bit] === right ? 2 << bit : 0),
    1,
  );
}

function warm(map: RecordedMap, file: number, cache: PageCache, { core }: SystemEngine): void {
  if (cache === "warm") core.warmFilePages(file, map.offset, map.offset + map.end - map.start);
}
