/** Cells of a sweep, and points of a curve, as rows for programs: CSV and Parquet. */

import { stringify } from "csv-stringify/sync";
import { parquetWriteBuffer } from "hyparquet-writer";
import type { CurvePoint, FailedCell, SweepCell } from "../types.ts";

type Cell = SweepCell | FailedCell;

interface Column {
  name: string;
  type: "STRING" | "DOUBLE" | "INT64";
}

const COLUMNS: Column[] = [
  { name: "trace", type: "STRING" },
  { name: "policy", type: "STRING" },
  { name: "params", type: "STRING" },
  { name: "frames", type: "INT64" },
  { name: "page_bytes", type: "INT64" },
  { name: "references", type: "INT64" },
  { name: "faults", type: "INT64" },
  { name: "minor", type: "INT64" },
  { name: "major", type: "INT64" },
  { name: "fault_ratio", type: "DOUBLE" },
  { name: "evictions", type: "INT64" },
  { name: "writebacks", type: "INT64" },
  { name: "fault_ratio_error", type: "DOUBLE" },
  { name: "cold_faults", type: "INT64" },
  { name: "error", type: "STRING" },
];

export function cellsToCsv(cells: Cell[]): string {
  const columns = COLUMNS.map(({ name }) => name);
  const rows = cells.map((cell) => columns.map((name) => fieldOf(cell, name) ?? ""));
  return stringify([columns, ...rows]);
}

export function pointsToCsv(points: CurvePoint[]): string {
  const hasBand = points.some(({ high }) => high !== undefined);
  const columns = ["frames", "fault_ratio", ...(hasBand ? ["low", "high"] : [])] as (keyof CurvePoint)[];
  return stringify([columns, ...points.map((point) => columns.map((column) => point[column]))]);
}

export function cellsToParquet(cells: Cell[]): Uint8Array {
  const columnData = COLUMNS.map(({ name, type }) => ({
    name,
    type,
    nullable: true,
    data: cells.map((cell) => {
      const value = fieldOf(cell, name);
      return type === "INT64" && typeof value === "number" ? BigInt(value) : (value ?? null);
    }),
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

/** Parameters are one text, `bits=2,fill=clear`. */
function fieldOf(cell: Cell, name: string): string | number | undefined {
  if (name === "params") {
    return Object.entries(cell.params)
      .map(([parameter, value]) => `${parameter}=${value}`)
      .join(",");
  }
  if (name === "fault_ratio_error" || name === "cold_faults") {
    return "error" in cell ? undefined : cell.approximate?.[name];
  }
  return (cell as unknown as Record<string, string | number | undefined>)[name];
}
