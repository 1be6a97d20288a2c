/**
 * DynamoRIO's drmemtrace: a binary file for each thread, in a folder with what belongs to them.
 * assembly/decode/drmemtrace.ts decodes it and has the layout.
 */

import { UserError } from "../../errors.ts";
import { nearest } from "../../nearest.ts";
import type { Schedule, TraceFormat } from "../format.ts";

const HEADER = 25;
const VERSION_MAX = 7;
/** What the second record can be: THREAD, PID, or a marker. */
const SECOND = [22, 24, 28];
const SCHEDULES: readonly Schedule[] = ["timestamps", "recorded"];

/** What raw2trace names a thread's file, however it is compressed: `drmemtrace.ls.123.4567.trace.zip`. */
const THREAD_FILE = /^[^.].*\.(mem)?trace(\.\w+)?$/;
const SCHEDULE_FILE = /^serial_schedule\.bin(\.\w+)?$/;

export const drmemtrace: TraceFormat = {
  name: "drmemtrace",
  summary:
    "DynamoRIO's offline traces: a folder of threads' files, or one file; 32 and 64 bits, versions 2 to 7",
  source: "DynamoRIO, clients/drcachesim/common/trace_entry.h",
  parameters: [
    {
      name: "schedule",
      default: "timestamps",
      summary: "how a folder's threads take turns: by timestamps, or as recorded in serial_schedule.bin.gz",
    },
  ],
  kernel: "decodeDrmemtrace",
  unit: "record",
  objects: false,
  expected: "a record of a drmemtrace file",
  refusals: [
    "a header, a record of type 25, at the start (raw files need drraw2trace first)",
    "a whole record: the trace is truncated",
    "a record of a type from 0 to 49",
    "version 2 to 7",
    "a process (PID) before a thread's first reference",
    "at most 4,095 processes",
    "at most 49,152 threads",
    "an access that ends inside the address space",
    "a bundle of up to 8 instructions behind another instruction",
  ],
  hasFooter: true,
  /** A HEADER of size 0 and its version, as 64 bits or as 32, and something about the thread. */
  recognise(head) {
    const view = new DataView(head.buffer, head.byteOffset, head.length);
    if (head.length < 16 || view.getUint32(0, true) !== HEADER) return false;
    const version = view.getUint32(4, true);
    const second = view.getUint32(8, true) === 0 ? 12 : 8;
    return version > 0 && version <= VERSION_MAX && SECOND.includes(view.getUint16(second, true));
  },
  prepare(_head, parameters, label) {
    const wanted = parameters.get("schedule") ?? "timestamps";
    const schedule = SCHEDULES.find((known) => known === wanted);
    if (schedule !== undefined) return { schedule };
    throw new UserError(
      `${label}: no schedule "${wanted}"${nearest(wanted, SCHEDULES)}; schedules are ${SCHEDULES.join(", ")}`,
    );
  },
  folder(names) {
    const files = names.filter((name) => THREAD_FILE.test(name)).sort();
    return { files, schedule: names.find((name) => SCHEDULE_FILE.test(name)) };
  },
};
