/**
 * Machines: what `--machine` can name or a file can describe, and its checking. A preset is written in the
 * same terms as a file, so reading one of presets/ shows how to write one's own.
 */

import * as v from "valibot";
import { UserError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { PageSize, TlbGeometry } from "../types.ts";
import { PAGING, PAGING_MODES, type PagingMode } from "./paging.ts";
import { PRESETS } from "./presets/index.ts";
import { parseTlbs } from "./tlb_spec.ts";

const WALK_CACHE_ENTRIES_MAX = 4096;

const Entries = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(WALK_CACHE_ENTRIES_MAX));

/** A machine as a file or a preset describes it. */
export const MachineFile = v.strictObject({
  name: v.pipe(v.string(), v.minLength(1)),
  summary: v.optional(v.string(), ""),
  source: v.optional(v.string(), ""),
  paging: v.picklist(PAGING_MODES),
  tlb: v.strictObject({
    "4KiB": v.optional(v.string()),
    "2MiB": v.optional(v.string()),
    "4MiB": v.optional(v.string()),
    "1GiB": v.optional(v.string()),
  }),
  walk_caches: v.optional(
    v.strictObject({
      pml5e: v.optional(Entries),
      pml4e: v.optional(Entries),
      pdpte: v.optional(Entries),
      pde: v.optional(Entries),
    }),
    {},
  ),
});
export type MachineFile = v.InferInput<typeof MachineFile>;

export interface Machine {
  name: string;
  summary: string;
  source: string;
  paging: PagingMode;
  /** TLBs by the page size that they hold translations for. */
  tlbs: Map<PageSize, TlbGeometry[]>;
  /** Entries of the paging-structure caches by level name, `pde` and so on. */
  walkCaches: Record<string, number>;
}

/** Says where in its source a part of a machine stands, by the keys that lead to it. */
export type Locate = (...keys: string[]) => string;

/** Turns a validated description into a machine; errors begin with what `locate` says. */
export function toMachine(file: MachineFile, locate: Locate): Machine {
  const { name, summary = "", source = "", paging, walk_caches = {} } = file;
  const { pageSizes, tables } = PAGING[paging];
  const tlbs = new Map<PageSize, TlbGeometry[]>();
  for (const [size, text] of Object.entries(file.tlb) as [PageSize, string][]) {
    if (!pageSizes.includes(size)) {
      throw new UserError(
        `${locate("tlb", size)}: ${paging} paging has no pages of ${size}; it has ${pageSizes.join(", ")}`,
      );
    }
    tlbs.set(size, parseTlbs(text, locate("tlb", size)));
  }
  if (tlbs.size === 0) throw new UserError(`${locate("tlb")}: tlb must describe at least one page size`);
  const unknown = Object.keys(walk_caches).find((table) => !tables.includes(table));
  if (unknown !== undefined) {
    throw new UserError(
      `${locate("walk_caches", unknown)}: ${paging} paging has no ${unknown} to cache; its tables above the leaf are ${tables.join(", ")}`,
    );
  }
  const walkCaches = Object.fromEntries(
    Object.entries(walk_caches).map(([table, entries]) => [table, entries ?? 0]),
  );
  return { name, summary, source, paging, tlbs, walkCaches };
}

/** The presets, in the order in which `clockhand list machines` shows them. */
export function listMachines(): Machine[] {
  return PRESETS.map((preset) => toMachine(preset, () => `machine ${preset.name}`));
}

/** The preset called `name`. */
export function presetMachine(name: string): Machine {
  const preset = PRESETS.find((known) => known.name === name);
  if (preset === undefined) {
    const names = PRESETS.map((known) => known.name);
    throw new UserError(
      `unknown machine "${name}"${nearest(name, names)}; "clockhand list machines" shows all, ` +
        "or name a .yaml or .json file",
    );
  }
  return toMachine(preset, () => `machine ${name}`);
}

/** The TLBs for pages of `pageSize`. */
export function tlbsFor(machine: Machine, pageSize: PageSize): TlbGeometry[] {
  const { pageSizes } = PAGING[machine.paging];
  if (!pageSizes.includes(pageSize)) {
    throw new UserError(
      `machine ${machine.name} has no pages of ${pageSize}; it has ${pageSizes.join(", ")}`,
    );
  }
  const tlbs = machine.tlbs.get(pageSize);
  if (tlbs === undefined) {
    throw new UserError(
      `machine ${machine.name} says nothing of TLBs for pages of ${pageSize}; give them with --tlb`,
    );
  }
  return tlbs;
}

/** Entries of the paging-structure caches from the root's level down, for pages of `pageSize`. */
export function walkCachesFor(machine: Machine, pageSize: PageSize): number[] {
  const { tables, pageSizes } = PAGING[machine.paging];
  return tables
    .slice(0, tables.length - pageSizes.indexOf(pageSize))
    .map((table) => machine.walkCaches[table] ?? 0);
}
