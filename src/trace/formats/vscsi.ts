/**
 * VMware's vscsiStats traces of SCSI commands, in their two binary versions. assembly/decode/vscsi.ts decodes
 * them and has the layouts.
 */

import { UserError } from "../../errors.ts";
import type { TraceFormat } from "../format.ts";

interface Version {
  number: number;
  recordBytes: number;
  versionAt: number;
  commandAt: number;
  bytesAt: number;
}

/** libCacheSim looks for version 2 first. */
const VERSIONS: Version[] = [
  { number: 2, recordBytes: 40, versionAt: 2, commandAt: 0, bytesAt: 8 },
  { number: 1, recordBytes: 32, versionAt: 14, commandAt: 12, bytesAt: 4 },
];
const LBN_AT = 16;

/** Far more than any disk has, and than a command moves. */
const LBN_MAX = 2n ** 48n;
const REQUEST_BYTES_MAX = 2 ** 28;

export const vscsi: TraceFormat = {
  name: "vscsi",
  summary: "VMware's vscsiStats, binary, versions 1 and 2: SCSI reads and writes, one object each, by lbn",
  source: "libCacheSim, traceReader/customizedReader/vscsi.h",
  kernel: "decodeVscsi",
  unit: "record",
  objects: true,
  splittable: "addresses",
  expected: "a record",
  parameters: [
    { name: "version", default: "auto", summary: "1 or 2: records of 32 or of 40 bytes; auto: by content" },
  ],
  recognise: (head) => versionOf(head) !== undefined,
  prepare(head, parameters) {
    const wanted = parameters.get("version") as string;
    const version =
      wanted === "auto"
        ? (versionOf(head) ?? versionOfFirst(head))
        : VERSIONS.find(({ number }) => wanted === `${number}`);
    if (version === undefined) {
      throw new UserError(`format vscsi: version is "${wanted}"; it can be 1, 2 or auto`);
    }
    const { number, recordBytes } = version;
    return {
      recordBytes,
      settings: [number],
      expected: `a record of ${recordBytes} bytes of version ${number}, with blocks below 2^64 bytes`,
    };
  },
};

// --- internal ---

/** The version whose number all records of the head have where it belongs, among fields that make sense. */
function versionOf(head: Uint8Array): Version | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  return VERSIONS.find(({ number, recordBytes, versionAt, commandAt, bytesAt }) => {
    const records = Math.floor(head.length / recordBytes);
    for (let at = 0; at < records * recordBytes; at += recordBytes) {
      if (view.getUint16(at + versionAt, true) >> 8 !== number) return false;
      if (view.getUint16(at + commandAt, true) > 0xff) return false;
      if (view.getUint32(at + bytesAt, true) > REQUEST_BYTES_MAX) return false;
      if (view.getBigUint64(at + LBN_AT, true) > LBN_MAX) return false;
    }
    return records > 0;
  });
}

/** What the first record says, of a trace that was named though it is odd. */
function versionOfFirst(head: Uint8Array): Version | undefined {
  return VERSIONS.find(({ number, versionAt }) => head[versionAt + 1] === number) ?? VERSIONS[1];
}
