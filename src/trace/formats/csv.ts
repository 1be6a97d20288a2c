/**
 * Text in columns, of any program: parameters say which column holds what. assembly/decode/csv.ts decodes it
 * and has the grammar; ../csv.ts finds the columns.
 */

import { UserError } from "../../errors.ts";
import { type CsvShape, csvReading, csvShape, OPS, type Ops } from "../csv.ts";
import type { TraceFormat } from "../format.ts";

const NONE = "none";
const DELIMITERS: Record<string, string> = { comma: ",", tab: "\t", semicolon: ";", space: " ", pipe: "|" };
const UNIT_MAX = 2 ** 32;

export const csv: TraceFormat = {
  name: "csv",
  summary: "text in columns, one reference or request a line, such as --format csv:id=3,op=4,header=yes",
  source: "RFC 4180",
  kernel: "decodeCsv",
  unit: "line",
  objects: true,
  expected: "a line of columns",
  parameters: [
    {
      name: "id",
      default: NONE,
      summary:
        "column of the key, by number from 1 or by its name in the header; two as 2+3; with offset, the volume",
    },
    { name: "offset", default: NONE, summary: "column of a block request's offset" },
    { name: "address", default: NONE, summary: "column of a memory address, instead of id and offset" },
    { name: "size", default: NONE, summary: "column of the size that goes with an offset or address" },
    { name: "op", default: NONE, summary: "column of the operation; without one, all are loads" },
    { name: "asid", default: NONE, summary: "column that tells address spaces apart, a number or a name" },
    { name: "count", default: NONE, summary: "column that says how many references a line stands for" },
    { name: "load", default: OPS.load.join(), summary: "operations that are loads" },
    { name: "store", default: OPS.store.join(), summary: "operations that are stores" },
    { name: "modify", default: OPS.modify.join(), summary: "operations that load and store" },
    { name: "none", default: OPS.none.join(), summary: "operations that are no references" },
    { name: "other", default: OPS.other, summary: "any other operation: load, store, none, refuse" },
    { name: "delimiter", default: "comma", summary: `${Object.keys(DELIMITERS).join(", ")} or a character` },
    { name: "header", default: "auto", summary: "whether line 1 names the columns: yes, no, auto" },
    {
      name: "hash",
      default: "auto",
      summary:
        "whether keys stand for their MurmurHash64A: yes, no, auto (those that are no decimal numbers)",
    },
    { name: "offset-unit", default: "1", summary: "bytes in a unit of offset, 512 for sectors" },
    { name: "size-unit", default: "1", summary: "bytes in a unit of size" },
  ],
  /** Any text has columns: only --format can say which. */
  recognise: () => false,
  prepare: (head, parameters, label) => csvReading(shapeOf(parameters), head, label),
};

// --- internal ---

function shapeOf(parameters: ReadonlyMap<string, string>): CsvShape {
  const given = (name: string) => parameters.get(name) ?? "";
  const column = (name: string) => (given(name) === NONE ? undefined : given(name));
  const columns = {
    key: column("id"),
    offset: column("offset"),
    address: column("address"),
    size: column("size"),
    op: column("op"),
    count: column("count"),
    asid: column("asid"),
  };
  refuseNonsense(columns);
  const words = (name: keyof Ops) => (given(name) === NONE ? [] : given(name).split(","));
  const hash = oneOf("hash", given("hash"), ["auto", "yes", "no"]);
  return csvShape({
    columns,
    delimiter: delimiterOf(given("delimiter")),
    header: oneOf("header", given("header"), ["auto", "yes", "no"]),
    keys: hash === "auto" ? "auto" : hash === "yes" ? "names" : "numbers",
    offsetUnit: unitOf("offset-unit", given("offset-unit")),
    sizeUnit: unitOf("size-unit", given("size-unit")),
    ops: {
      load: words("load"),
      store: words("store"),
      modify: words("modify"),
      none: words("none"),
      other: oneOf("other", given("other"), ["refuse", "load", "store", "none"]),
    },
  });
}

function refuseNonsense({ key, offset, address, size, asid }: CsvShape["columns"]): void {
  const mistakes: [boolean, string][] = [
    [address !== undefined && key !== undefined, "address and id exclude each other"],
    [address !== undefined && offset !== undefined, "address and offset exclude each other"],
    [asid !== undefined && address === undefined, "asid goes with address; a key of two columns is id=2+3"],
    [size !== undefined && address === undefined && offset === undefined, "size goes with offset or address"],
  ];
  const mistake = mistakes.find(([isMade]) => isMade);
  if (mistake !== undefined) throw new UserError(`format csv: ${mistake[1]}`);
}

function oneOf<T extends string>(name: string, value: string, choices: readonly T[]): T {
  const choice = choices.find((known) => known === value);
  if (choice !== undefined) return choice;
  throw new UserError(`format csv: ${name}=${value}: it is one of ${choices.join(", ")}`);
}

function delimiterOf(value: string): string {
  const delimiter = DELIMITERS[value] ?? value;
  if (/^[\t -~]$/.test(delimiter) && !/^["0-9a-z]$/i.test(delimiter)) return delimiter;
  throw new UserError(
    `format csv: delimiter=${value}: it is ${Object.keys(DELIMITERS).join(", ")} or another such character`,
  );
}

function unitOf(name: string, value: string): number {
  const unit = /^\d+$/.test(value) ? Number(value) : 0;
  if (unit >= 1 && unit <= UNIT_MAX) return unit;
  throw new UserError(`format csv: ${name}=${value}: it is a number of bytes, such as 512`);
}
