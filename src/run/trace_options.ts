/** How a trace is to be read: what every command that takes one can be asked for. */

import { UserError } from "../errors.ts";
import { PAGE_SHIFTS } from "../machine/paging.ts";
import { nearest } from "../nearest.ts";
import { chooseFormat } from "../trace/formats/index.ts";
import type { Access, PageSize } from "../types.ts";
import { parseBytes } from "../units.ts";

export interface TraceOptions {
  pageSize?: string | undefined;
  /** `NAME` or `NAME:param=value,...`; default: recognised by content. */
  format?: string | undefined;
  /** Only these of fetch, load and store; a modify comes with its load or its store. */
  include?: string | readonly Access[] | undefined;
  skipBadLines?: boolean | undefined;
  /** Block requests become a reference to each page that they touch; default: one to the block. */
  splitBlocks?: boolean | undefined;
}

/** The mask that keeps every kind. */
export const ALL_KINDS = 0b1111;

const ACCESSES: readonly Access[] = ["fetch", "load", "store"];

export function pageSizeOf(text: string): PageSize {
  const sizes = Object.keys(PAGE_SHIFTS) as PageSize[];
  const bytes = parseBytes(text, "--page-size");
  const size = sizes.find((known) => 2 ** PAGE_SHIFTS[known] === bytes);
  if (size === undefined) {
    throw new UserError(`--page-size: no machine has pages of ${text}; sizes are ${sizes.join(", ")}`);
  }
  return size;
}

/** Complains about a format early, before a worker does. */
export function checkFormat(spec: string | undefined): void {
  if (spec !== undefined) chooseFormat(spec);
}

/** A bit for each of fetch, load, store, modify. */
export function includeMask(include: TraceOptions["include"]): number {
  if (include === undefined) return ALL_KINDS;
  const wanted = typeof include === "string" ? include.split(",") : include;
  let mask = 0;
  for (const text of wanted) {
    const access = ACCESSES.indexOf(text.trim() as Access);
    if (access < 0) {
      throw new UserError(
        `--include: unknown kind "${text}"${nearest(text, ACCESSES)}; kinds are ${ACCESSES.join(", ")}`,
      );
    }
    mask |= 1 << access;
  }
  return (mask & 0b110) !== 0 ? mask | 0b1000 : mask;
}
