/** Lackey as one parses it in JavaScript: the text as a string, split into lines, split again. */

import { readFileSync } from "node:fs";

const KINDS: Record<string, number> = { "I ": 0, " L": 1, " S": 2, " M": 3 };
const PAGE_BYTES = 4096;

/** References of each kind, reading included; pages that they touch go to `visit`. */
export function parseLackey(path: string, visit: (page: number, kind: number) => void): number[] {
  const references = [0, 0, 0, 0];
  for (const line of readFileSync(path, "latin1").split("\n")) {
    const kind = KINDS[line.slice(0, 2)];
    if (kind === undefined) continue;
    const [addressText = "", sizeText = ""] = line.slice(3).split(",");
    const address = Number.parseInt(addressText, 16);
    const last = Math.floor((address + Number(sizeText) - 1) / PAGE_BYTES);
    for (let page = Math.floor(address / PAGE_BYTES); page <= last; page++) {
      references[kind] = (references[kind] as number) + 1;
      visit(page, kind);
    }
  }
  return references;
}
