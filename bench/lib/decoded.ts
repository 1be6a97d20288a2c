/** A whole trace as columns of page runs, in ordinary memory and in files for the baselines in C. */

import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { Engine } from "../../src/engine/engine.ts";
import { PAGE_SHIFTS, pageTableOf } from "../../src/machine/paging.ts";
import { DECODER, PAGES_UNKNOWN_MAX } from "../../src/run/limits.ts";
import { engineModule } from "../../src/run/session.ts";
import type { TraceTask } from "../../src/run/tasks.ts";
import { TextRuns } from "../../src/run/text_runs.ts";
import { readingOf } from "../../src/trace/formats/index.ts";
import { openTrace } from "../../src/trace/open.ts";
import { dataFile } from "./paths.ts";

const ALL_KINDS = 0b1111;

export interface Decoded {
  tags: Uint8Array;
  attrs: Uint8Array;
  runs: number;
  references: number;
  /** Distinct pages. */
  pages: number;
  files: { tags: string; attrs: string };
}

/** How to decode `path` for the default machine. */
export function traceTask(path: string): TraceTask {
  return {
    path,
    format: "lackey",
    pageShift: PAGE_SHIFTS["4KiB"],
    include: ALL_KINDS,
    skipBadLines: false,
    machine: { name: "x86-64", pageTable: pageTableOf("4-level", "4KiB") },
  };
}

/** An engine that decodes as the workers' do, and interns where pages are to be counted. */
export function decoder(task: TraceTask, interned: boolean): Engine {
  const { pageShift, include, skipBadLines, machine } = task;
  return new Engine(engineModule(), {
    runs: { capacity: DECODER.runCapacity, interned, clairvoyant: false },
    text: { capacityBytes: DECODER.textBytes, pageShift, include, skipBadLines },
    pageTable: machine?.pageTable,
    pages: interned ? PAGES_UNKNOWN_MAX : 0,
  });
}

export async function decodeTrace(path: string): Promise<Decoded> {
  const files = { tags: dataFile("tags.u64"), attrs: dataFile("attrs.u16") };
  const [tags, attrs] = [openSync(files.tags, "w"), openSync(files.attrs, "w")];
  let runs = 0;
  const { references, pages } = await eachBlock(path, (engine, count) => {
    writeSync(tags, engine.column("tags", count));
    writeSync(attrs, engine.column("attrs", count));
    runs += count;
  });
  closeSync(tags);
  closeSync(attrs);
  const columns = { tags: readFileSync(files.tags), attrs: readFileSync(files.attrs) };
  return { ...columns, runs, references, pages, files };
}

/** Distinct pages of a trace. */
export async function countPages(path: string): Promise<number> {
  return (await eachBlock(path, () => undefined)).pages;
}

// --- internal ---

async function eachBlock(
  path: string,
  use: (engine: Engine, count: number) => void,
): Promise<{ references: number; pages: number }> {
  const task = traceTask(path);
  const engine = decoder(task, true);
  const bytes = await openTrace(path);
  const text = new TextRuns(bytes, readingOf(task.format, bytes.head, bytes.label), task, engine);
  for (let count = await text.next(); count !== undefined; count = await text.next()) {
    engine.intern(count);
    use(engine, count);
  }
  bytes.close();
  return { references: engine.core.decodedTotal(), pages: engine.core.pages() };
}
