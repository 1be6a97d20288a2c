/**
 * Block traces of MSR Cambridge: timestamp, host, disk, type, offset, size, response time, without a header.
 * D. Narayanan, A. Donnelly, A. Rowstron, "Write Off-Loading: Practical Power Management for Enterprise
 * Storage", FAST 2008. Disks are numbered for each host, so both together name the volume.
 */

import { csvReading, csvShape, linesOf } from "../csv.ts";
import type { TraceFormat } from "../format.ts";

const LINE = /^\d{16,19},[^,]+,\d+,(read|write),\d+,\d+,\d+$/i;
const SHAPE = csvShape({ columns: { key: "2+3", offset: "5", size: "6", op: "4" } });

export const msr: TraceFormat = {
  name: "msr",
  summary:
    "block requests of the MSR Cambridge traces as csv, reads and writes; one is an object, its offset",
  source: "SNIA IOTTA 388, MSR Cambridge",
  kernel: "decodeCsv",
  unit: "line",
  objects: true,
  expected: "Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime",
  recognise(head) {
    const lines = linesOf(head);
    return lines.length > 0 && lines.every((line) => LINE.test(line));
  },
  prepare: (head, _parameters, label) => csvReading(SHAPE, head, label),
};
