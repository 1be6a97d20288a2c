/** Reads /proc/PID/smaps and smaps_rollup, which is one mapping that sums up all. */

import { TraceError } from "../errors.ts";
import { type Mapping, usualNameGap } from "../machine_state.ts";
import { type Line, linesOf, refusal } from "./lines.ts";
import { parseQuantity } from "./quantities.ts";

const HEAD = /^(([0-9a-f]+)-([0-9a-f]+) ([rwxsp-]{4}) ([0-9a-f]+) ([0-9a-f]+:[0-9a-f]+) (\d+) )( *)(.*)$/;

export function parseSmaps(text: string, path = "/proc/self/smaps"): Mapping[] {
  // A kernel's thread has no memory of its own, and an empty file.
  if (text === "") return [];
  const mappings: Mapping[] = [];
  for (const line of linesOf(text, path)) {
    const head = HEAD.exec(line.text);
    const mapping = mappings.at(-1);
    const flags = /^VmFlags:((?: \S+)*) ?$/.exec(line.text);
    if (head !== null) mappings.push(mappingOf(head, line));
    else if (mapping === undefined) throw refusal(line, "a mapping's addresses");
    else if (flags !== null) mapping.vm_flags = (flags[1] ?? "").split(" ").slice(1);
    else mapping.fields.push(parseQuantity(line));
  }
  return mappings;
}

export function parseSmapsRollup(text: string, path = "/proc/self/smaps_rollup"): Mapping {
  const mappings = parseSmaps(text, path);
  const [mapping] = mappings;
  if (mapping === undefined || mappings.length > 1) {
    throw new TraceError(`${path}: expected one mapping that sums up all, found ${mappings.length}`);
  }
  return mapping;
}

function mappingOf(match: RegExpExecArray, line: Line): Mapping {
  const [
    ,
    head = "",
    start = "",
    end = "",
    perms = "",
    offset = "",
    dev = "",
    inode = "",
    gap = "",
    name = "",
  ] = match;
  const mapping: Mapping = {
    start: addressOf(start, line),
    end: addressOf(end, line),
    perms,
    offset: addressOf(offset, line),
    dev,
    inode,
    name,
    fields: [],
  };
  if (name !== "" && gap !== usualNameGap(head)) mapping.gap = gap;
  return mapping;
}

/** Addresses are those of pages, which a number holds exactly. */
function addressOf(digits: string, line: Line): number {
  const address = Number.parseInt(digits, 16);
  if (digits.length > 16 || BigInt(address) !== BigInt(`0x${digits}`))
    throw refusal(line, "addresses of pages");
  return address;
}
