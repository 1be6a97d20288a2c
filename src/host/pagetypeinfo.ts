/**
 * Reads /proc/pagetypeinfo: free blocks by zone, migrate type and order, and page blocks by migrate type.
 * Root alone may read it. Of a kernel with page_owner, which counts mixed blocks too, it reads the rest.
 */

import type { Pagetypeinfo } from "../machine_state.ts";
import { counterOf, countersOf, linesOf, matched, refusal } from "./lines.ts";

/** A count that the kernel stopped at begins with `>`. */
const FREE = /^Node +(\d+), zone +(\S+), type +(\S+) +(>?\d+(?: +>?\d+)*) *$/;
const BLOCKS = /^Node (\d+), zone +(\S+) +(\d+(?: +\d+)*) *$/;

export function parsePagetypeinfo(text: string, path = "/proc/pagetypeinfo"): Pagetypeinfo {
  const lines = linesOf(text, path);
  const info: Pagetypeinfo = { page_block_order: 0, pages_per_block: 0, free: [], types: [], blocks: [] };
  const heads: [RegExp, (value: string, at: string) => void][] = [
    [/^Page block order: (\d+)$/, (order, at) => (info.page_block_order = counterOf(order, at))],
    [/^Pages per block: +(\d+)$/, (pages, at) => (info.pages_per_block = counterOf(pages, at))],
    [/^()$/, () => undefined],
    [/^Free pages count per migrate type at order ([ \d]+)$/, () => undefined],
  ];
  heads.forEach(([pattern, take], index) => {
    const line = lines[index] ?? { text: "", at: `${path}:${lines.length + 1}` };
    const [value = ""] = matched(line, pattern, "the head of pagetypeinfo");
    take(value, line.at);
  });
  for (const line of lines.slice(heads.length)) {
    const { text: row, at } = line;
    const types = /^Number of blocks type +(\S.*?) *$/.exec(row);
    const free = FREE.exec(row);
    const blocks = BLOCKS.exec(row);
    if (row === "") continue;
    if (types !== null) info.types = (types[1] ?? "").split(/ +/);
    else if (free !== null) info.free.push(freeRow(free, at));
    else if (blocks !== null) {
      const [, node = "", zone = "", counts = ""] = blocks;
      info.blocks.push({ node: counterOf(node, at), zone, counts: countersOf(counts, at) });
    } else if (row.startsWith("Number of mixed blocks")) break;
    else throw refusal(line, "free blocks or page blocks of a zone");
  }
  return info;
}

function freeRow([, node = "", zone = "", type = "", counts = ""]: string[], at: string) {
  const over = counts
    .trim()
    .split(/ +/)
    .map((count) => count.startsWith(">"));
  const row = {
    node: counterOf(node, at),
    zone,
    type,
    counts: countersOf(counts.replaceAll(">", ""), at),
  };
  return over.includes(true) ? { ...row, over } : row;
}
