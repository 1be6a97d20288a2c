/**
 * Memory samples of Linux perf as `perf script` prints them. Which fields are printed follows its -F, in an
 * order of perf's own (tools/perf/builtin-script.c). assembly/decode/perf_script.ts decodes the lines and has
 * their grammar.
 */

import { UserError } from "../../errors.ts";
import { nearest } from "../../nearest.ts";
import type { TraceFormat } from "../format.ts";

/** What `clockhand import-perf` asks perf for. */
export const PERF_FIELDS = "comm,pid,tid,time,event,addr,data_src";

/** Fields that perf prints before the address, and those behind it, which do not matter where they are. */
const BEFORE = ["comm", "pid", "tid", "cpu", "misc", "time", "period", "event"];
const ADDRESS = "addr";
const BEHIND = [
  ...["data_src", "weight", "ins_lat", "retire_lat", "cgroup", "ip", "sym", "symoff", "dso", "dsoff"],
  ...["srcline", "phys_addr", "data_page_size", "code_page_size", "callindent", "insn", "insnlen"],
];

const AUTO = "auto";
const SAMPLE_BYTES_MAX = 1000;
/** A sample with its data source described, which no other line has. */
const BEFORE_EVENT = /^\s*\S.*?\s+(?<process>\d+(?:\/\d+)?)\s.*?\d+\.\d+:\s+(?<period>\d+\s+)?/;
const FROM_EVENT = /\S+:\s+[\da-f]{1,16}\s.*?[\da-f]+\s+\|OP /;
const SAMPLE = new RegExp(BEFORE_EVENT.source + FROM_EVENT.source);

export const perfScript: TraceFormat = {
  name: "perf-script",
  summary: "memory samples of perf, as perf script prints them: a sample of the references, not all of them",
  source: "Linux, tools/perf/builtin-script.c",
  kernel: "decodePerfScript",
  unit: "line",
  objects: false,
  expected: 'a sample like "ls 12/12 34.567890: mem-loads: 7f93f19f4110 5080022 |OP LOAD|..."',
  parameters: [
    {
      name: "fields",
      default: AUTO,
      summary: `what perf script printed, as its -F has it: ${PERF_FIELDS}; auto looks at the first samples`,
    },
  ],
  recognise: (head) => firstSample(head) !== undefined,
  prepare(head, parameters, label) {
    const given = parameters.get("fields") ?? AUTO;
    const fields = given === AUTO ? fieldsOf(head, label) : given.split(",");
    checkPerfFields(fields);
    const settings = ["pid", "time", "period", "event", "data_src"].map((field) => +fields.includes(field));
    const hasProcesses = fields.includes("pid");
    const expected = `${perfScript.expected}${hasProcesses ? " of one of at most 4095 processes" : ""}`;
    return { settings, expected: `${expected} (fields=${fields.join(",")})`, sequential: hasProcesses };
  },
};

/** Complains about fields that are not known, or among which no address is found. */
export function checkPerfFields(fields: readonly string[]): void {
  const known = [...BEFORE, ADDRESS, ...BEHIND];
  const unknown = fields.find((field) => !known.includes(field));
  if (unknown !== undefined) {
    throw new UserError(
      `format perf-script: field "${unknown}" is not read${nearest(unknown, known)}; fields are ${known.join(", ")}`,
    );
  }
  if (!fields.includes(ADDRESS)) {
    throw new UserError("format perf-script: fields must have addr: perf record -d samples it");
  }
  if (!fields.includes("time") && !fields.includes("event")) {
    throw new UserError(
      "format perf-script: fields must have time or event, behind which the address is found",
    );
  }
}

// --- internal ---

/** The fields of the first sample that matter to the decoder. */
function fieldsOf(head: Uint8Array, label: string): string[] {
  const sample = firstSample(head);
  if (sample === undefined) {
    throw new UserError(
      `${label}: no sample with a data source is among its first lines; ` +
        "say what perf script printed: --format perf-script:fields=comm,tid,time,event,addr",
    );
  }
  const process = sample.process?.includes("/") ? ["pid", "tid"] : ["tid"];
  const period = sample.period === undefined ? [] : ["period"];
  return ["comm", ...process, "time", ...period, "event", "addr", "data_src"];
}

function firstSample(head: Uint8Array) {
  const lines = new TextDecoder("latin1").decode(head).split("\n");
  const samples = lines.filter((line) => line.length <= SAMPLE_BYTES_MAX && line.includes("|OP "));
  return samples.map((line) => SAMPLE.exec(line)?.groups).find((groups) => groups !== undefined);
}
