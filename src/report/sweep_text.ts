/** A sweep for people: a table for each trace, policies by size, the best of every size marked. */

import type { FailedCell, SweepCell, SweepReport } from "../types.ts";
import { formatCount, formatCountOf, formatRate, formatShare } from "../units.ts";
import { ABOUT, coldFaults } from "./metrics.ts";
import { renderTable } from "./table.ts";

const BEST = "*";

type Cell = SweepCell | FailedCell;

export function renderSweep(report: SweepReport): string {
  const tables = report.traces.map((trace) => {
    const cells = report.cells.filter((cell) => cell.trace === trace.path);
    const head =
      `  ${trace.path === "-" ? "standard input" : trace.path}: ` +
      `${formatCountOf(trace.references, "reference")} to ${formatCountOf(trace.pages, "page")}`;
    return `${head}\n\n${faultTable(cells)}`;
  });
  return `${[...tables, approximate(report.cells), failures(report.cells), footer(report)].filter((part) => part !== "").join("\n\n")}\n`;
}

/** Fault ratios; the policies with the fewest faults over all sizes come first. */
function faultTable(cells: Cell[]): string {
  const sizes = [...new Set(cells.map(({ frames }) => frames))];
  const policies = [...new Set(cells.map(specOf))];
  const at = (policy: string, frames: number) =>
    cells.find((cell) => specOf(cell) === policy && cell.frames === frames);
  const best = new Map(
    sizes.map((frames) => [frames, Math.min(...policies.map((policy) => faultsOf(at(policy, frames))))]),
  );
  const total = (policy: string) => sizes.reduce((sum, frames) => sum + faultsOf(at(policy, frames)), 0);
  const sorted = policies.sort((a, b) => total(a) - total(b) || (a < b ? -1 : 1));
  const rows = sorted.map((policy) => [
    shortest(policy, policies),
    ...sizes.map((frames) => {
      const cell = at(policy, frames);
      if (cell === undefined || "error" in cell) return "failed ";
      const about = cell.approximate === undefined ? "" : ABOUT;
      return `${about}${formatShare(cell.fault_ratio)}${cell.faults === best.get(frames) ? BEST : " "}`;
    }),
  ]);
  const title = ["fault ratio at frames", ...sizes.map((frames) => `${formatCount(frames)} `)];
  return renderTable(title, rows);
}

/** A policy without its parameters where no other variant of it is about. */
function shortest(policy: string, policies: string[]): string {
  const [name = ""] = policy.split(":");
  return policies.some((other) => other !== policy && other.split(":")[0] === name) ? policy : name;
}

function faultsOf(cell: Cell | undefined): number {
  return cell === undefined || "error" in cell ? Number.POSITIVE_INFINITY : cell.faults;
}

function failures(cells: Cell[]): string {
  return cells
    .filter((cell) => "error" in cell)
    .map((cell) => `  failed: ${specOf(cell)} with ${formatCountOf(cell.frames, "frame")}: ${cell.error}`)
    .join("\n");
}

/** What was put together from chunks, and the farthest that it may be off. */
function approximate(cells: Cell[]): string {
  const about = cells.flatMap((cell) => ("error" in cell || !cell.approximate ? [] : [cell]));
  const [first] = about;
  if (first?.approximate === undefined) return "";
  const error = (cell: SweepCell) => cell.approximate?.fault_ratio_error ?? 0;
  const coldest = Math.max(...about.map((cell) => cell.approximate?.cold_faults ?? 0));
  const worst = about.reduce((most, cell) => (error(cell) > error(most) ? cell : most), first);
  return (
    `  ${ABOUT} approximate, from ${first.approximate.chunks} chunks of the trace; by what their seams show, ` +
    `off by ${formatShare(error(worst))} of the references at most (${specOf(worst)}, ${formatCount(worst.frames)} frames)\n` +
    `    up to ${coldFaults({ ...first.approximate, cold_faults: coldest })}`
  );
}

function footer({ cells, performance }: SweepReport): string {
  const { seconds, references_per_second: rate, workers } = performance;
  return (
    `  ${BEST} fewest faults.  ${formatCountOf(cells.length, "cell")} in ${seconds.toFixed(2)} s: ` +
    `${formatRate(rate)} references a second over all cells, ${formatCountOf(workers, "worker")}`
  );
}

/** The policy with the parameters that a user would have to write to get it. */
function specOf({ policy, params }: Cell): string {
  const assignments = Object.entries(params).map(([name, value]) => `${name}=${value}`);
  return assignments.length === 0 ? policy : `${policy}:${assignments.join(",")}`;
}
