/**
 * FIU's block traces: timestamp, pid, process, block, size in blocks, W or R, major and minor device, MD5 of
 * the content, with spaces between. R. Koller, R. Rangaswami, "I/O Deduplication: Utilizing Content
 * Similarity to Improve I/O Performance", FAST 2010. Blocks are of 512 bytes; the device names the volume.
 */

import { csvReading, csvShape, linesOf } from "../csv.ts";
import type { TraceFormat } from "../format.ts";

const LINE = /^\d+ \d+ \S+ \d+ \d+ [RW] \d+ \d+ [0-9a-f]{32}$/;
const SHAPE = csvShape({
  delimiter: " ",
  columns: { key: "7+8", offset: "4", size: "5", op: "6" },
  offsetUnit: 512,
  sizeUnit: 512,
});

export const fiu: TraceFormat = {
  name: "fiu",
  summary: "block requests of FIU's traces, reads and writes; one is an object, its offset",
  source: "SNIA IOTTA 390, FIU",
  kernel: "decodeCsv",
  unit: "line",
  objects: true,
  expected: "timestamp pid process block size R|W major minor md5",
  recognise(head) {
    const lines = linesOf(head);
    return lines.length > 0 && lines.every((line) => LINE.test(line));
  },
  prepare: (head, _parameters, label) => csvReading(SHAPE, head, label),
};
