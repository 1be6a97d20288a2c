/**
 * Reads /proc/vmallocinfo as mm/vmalloc.c writes it: `0xSTART-0xEND SIZE caller pages=N phys=0x.. flags N0=N`
 * a line. Root alone may read it, and sees hashes of the addresses.
 */

import type { VmallocArea } from "../machine_state.ts";
import { counterOf, linesOf, matched } from "./lines.ts";

const ROW = /^(0x[0-9a-f]+)-(0x[0-9a-f]+) +(\d+)((?: \S+)*)$/;
/** What an area that nobody asked for by name is. */
const ALONE = ["vm_map_ram", "unpurged vm_area"];
const FLAGS = ["ioremap", "sparse", "vmalloc", "vmap", "user", "dma-coherent", "vpages"];

export function parseVmallocinfo(text: string, path = "/proc/vmallocinfo"): VmallocArea[] {
  if (text === "") return [];
  return linesOf(text, path).map((line) => {
    const [start = "", end = "", size = "", rest = ""] = matched(line, ROW, "an area of vmalloc's");
    const area: VmallocArea = { start, end, size_bytes: counterOf(size, line.at), flags: [] };
    if (ALONE.includes(rest.slice(1))) area.flags.push(rest.slice(1));
    else for (const word of rest.split(" ").slice(1)) readWord(area, word, line.at);
    return area;
  });
}

function readWord(area: VmallocArea, word: string, at: string): void {
  const [, key = "", value = ""] = /^(pages|phys|N\d+)=((?:0x)?[0-9a-f]+)$/.exec(word) ?? [];
  const isFirst = area.pages === undefined && area.phys === undefined && area.flags.length === 0;
  if (key === "pages") area.pages = counterOf(value, at);
  else if (key === "phys") area.phys = value;
  else if (key !== "") {
    area.nodes ??= [];
    area.nodes.push({ node: Number(key.slice(1)), pages: counterOf(value, at) });
  } else if (isFirst && !FLAGS.includes(word)) {
    area.caller = area.caller === undefined ? word : `${area.caller} ${word}`;
  } else area.flags.push(word);
}
