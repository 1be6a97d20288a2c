/**
 * libCacheSim's oracleGeneral: binary records of time, object, size and next access.
 * assembly/decode/oracle_general.ts decodes it and has the layout.
 */

import type { TraceFormat } from "../format.ts";

const RECORD_BYTES = 24;
const SIZE_MAX = 2 ** 31;

export const oracleGeneral: TraceFormat = {
  name: "oracle-general",
  summary: "libCacheSim's oracleGeneral: binary records of 24 bytes, one object each, each a load",
  source: "libCacheSim, traceReader/customizedReader/oracle",
  kernel: "decodeOracleGeneral",
  unit: "record",
  recordBytes: RECORD_BYTES,
  objects: true,
  expected: "a record of 24 bytes",
  /** There is no magic number, but times never decrease and a next access comes later than its record. */
  recognise(head) {
    const view = new DataView(head.buffer, head.byteOffset, head.length);
    const records = Math.floor(head.length / RECORD_BYTES);
    let time = 0;
    for (let record = 0; record < records; record++) {
      const at = record * RECORD_BYTES;
      const next = view.getBigInt64(at + 16, true);
      if (view.getUint32(at, true) < time || view.getUint32(at + 12, true) > SIZE_MAX) return false;
      if (next !== -1n && (next <= BigInt(record) || next > 2n ** 48n)) return false;
      time = view.getUint32(at, true);
    }
    return records > 1;
  },
};
