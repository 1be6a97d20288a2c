/**
 * UMass (SPC) block traces: application unit, logical block, size in bytes, opcode, timestamp, without a
 * header. Storage Performance Council, "SPC Trace File Format Specification", revision 1.0.1. Blocks are of
 * 512 bytes and count for each unit.
 */

import { csvReading, csvShape, linesOf } from "../csv.ts";
import type { TraceFormat } from "../format.ts";

const LINE = /^\d+,\d+,\d+,[rw],\d+\.\d+(,.*)?$/i;
const SHAPE = csvShape({
  columns: { key: "1", offset: "2", size: "3", op: "4" },
  keys: "names",
  offsetUnit: 512,
});

export const spc: TraceFormat = {
  name: "spc",
  summary: "block requests of the UMass (SPC) traces, reads and writes; one is an object, its offset",
  source: "SPC Trace File Format Specification 1.0.1",
  kernel: "decodeCsv",
  unit: "line",
  objects: true,
  expected: "ASU,LBA,size,opcode,timestamp",
  recognise(head) {
    const lines = linesOf(head);
    return lines.length > 0 && lines.every((line) => LINE.test(line));
  },
  prepare: (head, _parameters, label) => csvReading(SHAPE, head, label),
};
