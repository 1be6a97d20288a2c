/** Tables for people: right-aligned numbers, thin lines, plain text. */

import Table from "cli-table3";

const NO_FRAME = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "  ",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};

/** Renders rows below a head; the first column is aligned left, the others right unless `text` names them. */
export function renderTable(
  head: string[],
  rows: string[][],
  options: { textColumns?: number[] } = {},
): string {
  const textColumns = new Set([0, ...(options.textColumns ?? [])]);
  const table = new Table({
    head,
    colAligns: head.map((_, index) => (textColumns.has(index) ? "left" : "right")),
    chars: NO_FRAME,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
  });
  table.push(...rows);
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "")
    .join("\n");
}
