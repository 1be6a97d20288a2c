/**
 * What the addresses of a process were mapped to, gathered from /proc/PID/maps (proc(5)), read now and then.
 * Where one address has had several mappings, the first that was seen counts. A mapping that came and went
 * between two looks is not known.
 *
 * Under Valgrind the kernel knows neither the program's stack nor its heap, which Valgrind places:
 *     0010c000-0010d000 rw-p 00003000 fe:00 2204000    /tmp/program
 *     04035000-04056000 rwxp 00000000 00:00 0          heap: Valgrind gives `brk` executable memory
 *     1ffeffe000-1fff001000 rw-p 00000000 00:00 0      stack: where the first store goes
 * (coregrind/m_initimg/initimg-linux.c). The heap is the lowest mapping that can be executed and has no file;
 * Valgrind's own memory of that kind is far above. Addresses are counted in units of 4 KiB, the smallest
 * page of any machine that Valgrind runs on.
 */

import { readFileSync } from "node:fs";
import type { MappingClass } from "../../types.ts";

export const UNIT_SHIFT = 12;
const UNIT_DIGITS = 3;

/** A range of addresses, in units, that was mapped alike. */
export interface Range {
  start: number;
  end: number;
  /** Empty for memory without a file. */
  path: string;
  /** In the file, in units. */
  offset: number;
  /** As the kernel writes them, `r-xp`; of neighbours without a file those of the first. */
  permissions: string;
}

export class Mappings {
  /** In order, without overlaps. */
  #ranges: Range[] = [];
  #last = "";
  #heapStart: number | undefined;

  /** Takes the text of /proc/PID/maps. */
  add(text: string): void {
    if (text === this.#last) return;
    this.#last = text;
    const seen = parse(text);
    this.#heapStart ??= seen.find((range) => range.path === "" && isExecutable(range))?.start;
    const all = [...this.#ranges, ...seen.flatMap((range) => this.#gapsIn(range))];
    all.sort((a, b) => a.start - b.start);
    this.#ranges = [];
    for (const range of all) {
      const before = this.#ranges.at(-1);
      if (before !== undefined && joins(before, range)) before.end = range.end;
      else this.#ranges.push({ ...range });
    }
  }

  /** What was mapped first somewhere in these units. */
  find(start: number, end: number): Range | undefined {
    const range = this.#ranges[this.#firstBehind(start)];
    return range !== undefined && range.start < end ? range : undefined;
  }

  classOf(range: Range, stackAt: number | undefined): MappingClass {
    if (range.path !== "") return "file";
    if (stackAt !== undefined && range.start <= stackAt && stackAt < range.end) return "stack";
    return range.start === this.#heapStart ? "heap" : "anonymous";
  }

  /** The parts of a range that no other range covers. */
  #gapsIn(range: Range): Range[] {
    const gaps: Range[] = [];
    let { start } = range;
    for (let index = this.#firstBehind(start); start < range.end; index++) {
      const next = this.#ranges[index];
      const end = Math.min(next?.start ?? range.end, range.end);
      if (end > start) gaps.push({ ...range, start, end, offset: range.offset + start - range.start });
      start = next?.end ?? range.end;
    }
    return gaps;
  }

  /** The index of the first range that ends behind `unit`. */
  #firstBehind(unit: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ranges[middle] as Range).end > unit) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** The text of a process's maps; undefined when there is none to be had. */
export function mapsOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/maps`, "latin1");
  } catch {
    return undefined;
  }
}

// --- internal ---

const LINE = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) \S+ \d+ *(.*)$/;

function parse(text: string): Range[] {
  return text.split("\n").flatMap((line) => {
    const match = LINE.exec(line);
    if (match === null) return [];
    const [, start = "", end = "", permissions = "", offset = "", name = ""] = match;
    // The kernel's own names, [vdso] and the like, are of no file.
    const path = name.startsWith("/") ? Buffer.from(name, "latin1").toString("utf8") : "";
    return [{ start: unitsOf(start), end: unitsOf(end), path, offset: unitsOf(offset), permissions }];
  });
}

function isExecutable({ permissions }: Range): boolean {
  return permissions[2] === "x";
}

function unitsOf(address: string): number {
  return Number.parseInt(address.slice(0, -UNIT_DIGITS) || "0", 16);
}

/** Whether two ranges are neighbours and could be one: memory without a file is, whoever may write to it. */
function joins(a: Range, b: Range): boolean {
  if (a.end !== b.start || a.path !== b.path) return false;
  if (a.path === "") return isExecutable(a) === isExecutable(b);
  return a.permissions === b.permissions && a.offset + a.end - a.start === b.offset;
}
