/** What a recording came to, in a few lines. */

import { MAPPING_CLASSES, type NativeRun, type RecordReport } from "../types.ts";
import { formatBytes, formatCount, formatCountOf, formatRate } from "../units.ts";

const STOPPED = {
  references: "stopped after as many references as were asked for",
  seconds: "stopped after as many seconds as were asked for",
  interrupted: "interrupted",
};

export function renderRecording({ trace, output, recording, performance }: RecordReport): string {
  const { references, pages } = trace;
  const { processes, native, native_missing: missing, stopped } = recording;
  const mapped = MAPPING_CLASSES.filter((name) => recording.pages[name] > 0).map(
    (name) => `${name} ${formatCount(recording.pages[name])}`,
  );
  const spaces = processes.length === 1 ? "" : ` of ${formatCountOf(processes.length, "address space")}`;
  const lines = [
    `${output.path}: ${formatCountOf(references.total, "reference")} to ${formatCountOf(pages, "page")}${spaces}, ` +
      `in ${formatBytes(output.bytes)}; ${performance.seconds.toFixed(1)} s, ` +
      `${formatRate(performance.references_per_second)} references a second`,
    `pages: ${mapped.join(", ")}`,
    `natively: ${native === null ? `not measured, ${missing}` : nativeText(native)}`,
  ];
  if (stopped !== null) lines.splice(1, 0, STOPPED[stopped]);
  return `${lines.join("\n")}\n`;
}

function nativeText(native: NativeRun): string {
  const { minor_faults: minor, major_faults: major, max_rss_bytes: rss } = native;
  const memory = rss === null ? "" : `, ${formatBytes(rss)} resident at most`;
  return `${formatCountOf(minor, "minor fault")}, ${formatCountOf(major, "major fault")}${memory}`;
}
