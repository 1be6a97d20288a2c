/**
 * libCacheSim's oracleGeneral: binary records of time, object, size and next access, 24 bytes, and its
 * variant oracleGeneralOpNS with an operation and a namespace besides, 27 bytes. The variant is not told
 * apart by content. assembly/decode/oracle_general.ts decodes both.
 */

import { UserError } from "../../errors.ts";
import type { TraceFormat } from "../format.ts";
import { type ObjectLayout, settingsOf } from "../object_layout.ts";

const LAYOUT: ObjectLayout = {
  recordBytes: 24,
  object: { at: 4, bytes: 8 },
  size: { at: 12, bytes: 4, signed: false },
};
const WITH_OPERATIONS: ObjectLayout = { ...LAYOUT, recordBytes: 27, operation: { at: 16, bytes: 1 } };
const SIZE_MAX = 2 ** 31;

export const oracleGeneral: TraceFormat = {
  name: "oracle-general",
  summary: "libCacheSim's oracleGeneral: binary records of 24 bytes, one object each, each a load",
  source: "libCacheSim, traceReader/customizedReader/oracle",
  kernel: "decodeOracleGeneral",
  unit: "record",
  recordBytes: LAYOUT.recordBytes,
  objects: true,
  expected: "a record of 24 bytes",
  settings: settingsOf(LAYOUT),
  parameters: [
    {
      name: "op",
      default: "no",
      summary: "yes: the variant OpNS, records of 27 bytes with an operation: gets are loads, sets stores",
    },
  ],
  /** There is no magic number, but times never decrease and a next access comes later than its record. */
  recognise(head) {
    const view = new DataView(head.buffer, head.byteOffset, head.length);
    const records = Math.floor(head.length / LAYOUT.recordBytes);
    let time = 0;
    for (let record = 0; record < records; record++) {
      const at = record * LAYOUT.recordBytes;
      const next = view.getBigInt64(at + 16, true);
      if (view.getUint32(at, true) < time || view.getUint32(at + 12, true) > SIZE_MAX) return false;
      if (next !== -1n && (next <= BigInt(record) || next > 2n ** 48n)) return false;
      time = view.getUint32(at, true);
    }
    return records > 1;
  },
  prepare(_head, parameters) {
    const op = parameters.get("op");
    if (op === "no") return {};
    if (op !== "yes") throw new UserError(`format oracle-general: op is "${op}"; it can be yes or no`);
    return {
      recordBytes: WITH_OPERATIONS.recordBytes,
      settings: settingsOf(WITH_OPERATIONS),
      expected: "a record of 27 bytes with an operation from 0 to 14",
    };
  },
};
