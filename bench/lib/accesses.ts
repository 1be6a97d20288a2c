/** The accesses of the recording's first lines, from which the files of other formats are made. */

import { readFileSync } from "node:fs";
import { textOf } from "./text_files.ts";

export const FETCH = 0;
export const LOAD = 1;
export const STORE = 2;

export interface Accesses {
  count: number;
  kinds: Uint8Array;
  /** All below 2^53. */
  addresses: Float64Array;
  sizes: Uint16Array;
}

/** A modify is a load and a store, for no other format has it. */
export function accessesOf(bytes: number): Accesses {
  const text = readFileSync(textOf(bytes, "accesses.lackey"), "latin1");
  const most = Math.ceil(text.length / 7) * 2;
  const kinds = new Uint8Array(most);
  const addresses = new Float64Array(most);
  const sizes = new Uint16Array(most);
  let count = 0;
  for (const [, letter, address, size] of text.matchAll(/^[I ]([LSM ]) ([0-9a-f]+),(\d+)$/gm)) {
    const ofLine =
      letter === " " ? [FETCH] : letter === "M" ? [LOAD, STORE] : [letter === "L" ? LOAD : STORE];
    for (const kind of ofLine) {
      kinds[count] = kind;
      addresses[count] = Number.parseInt(address as string, 16);
      sizes[count] = Number(size);
      count++;
    }
  }
  return {
    count,
    kinds: kinds.subarray(0, count),
    addresses: addresses.subarray(0, count),
    sizes: sizes.subarray(0, count),
  };
}
