/** `pack`: a trace of any format, or a packed one with other kinds, into a packed trace. */

import { checkTarget, writeWhole } from "../files/atomic.ts";
import { PAGE_SHIFTS } from "../machine/paging.ts";
import { inspectTrace } from "../trace/open.ts";
import { total } from "../trace/packed/layout.ts";
import type { PackReport, Progress } from "../types.ts";
import { Decoders, decodersFor } from "./decoders.ts";
import { packTrace } from "./pack_trace.ts";
import { performanceOf } from "./performance.ts";
import { workersOf } from "./plan.ts";
import { engineModule, Session } from "./session.ts";
import type { TraceTask } from "./tasks.ts";
import { checkFormat, includeMask, pageSizeOf, type TraceOptions } from "./trace_options.ts";

export interface PackOptions extends TraceOptions {
  /** A file, or `-` for standard input. */
  trace: string;
  /** The file to write; one that is there is replaced when the new one is complete. */
  output: string;
  workers?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
}

export async function pack(options: PackOptions): Promise<PackReport> {
  const start = performance.now();
  const { trace: path, output, format, skipBadLines = false, signal, onProgress } = options;
  checkFormat(format);
  const workers = workersOf(options.workers);
  const pageShift = PAGE_SHIFTS[pageSizeOf(options.pageSize ?? "4KiB")];
  const include = includeMask(options.include);
  const trace: TraceTask = { path, format, pageShift, include, skipBadLines, machine: undefined };
  const file = inspectTrace(path, format);
  checkTarget(output);
  const others = decodersFor(file, workers);
  const session = new Session({ module: engineModule(), workers: others + 2, signal, onProgress });
  try {
    const decoders = new Decoders(session, trace, file, others);
    const { header } = await writeWhole(output, (part) => {
      const sha256 = file.sizeBytes === undefined ? undefined : session.run("digest", { path });
      return packTrace(session, decoders, trace, part, sha256);
    });
    const { runs, pages, fileBytes, references, skipped } = header;
    const seconds = (performance.now() - start) / 1000;
    return {
      command: "pack",
      trace: { path, pages, skipped, runs, references: { total: total(references), ...references } },
      output: { path: output, bytes: fileBytes, bytes_per_run: runs === 0 ? 0 : fileBytes / runs },
      performance: performanceOf(seconds, total(references), others + 1),
    };
  } finally {
    await session.close();
  }
}
