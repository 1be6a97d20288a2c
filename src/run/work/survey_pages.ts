/** What an engine's dictionary tells of a trace's pages: address spaces, uses, and where they lie. */

import type { Engine } from "../../engine/engine.ts";
import { asidOf, vpnOf } from "../../engine/tag.ts";
import type { SurveyPages } from "../tasks.ts";

/** Pages with fewer bytes between them are of one region. */
const GAP_BYTES = 1 << 20;
const REGIONS_MAX = 12;
const FETCHES = 0b0001;
const WRITES = 0b1100;

interface Reading {
  pageShift: number;
  /** A bit for each kind that counts. */
  include: number;
  objects: boolean;
}

export function pagesOf(
  engine: Engine,
  count: number,
  { pageShift, include, objects }: Reading,
): SurveyPages {
  const { tags, kinds } = engine.dictionary(0, count);
  const tagAt = new BigUint64Array(tags.slice().buffer);
  const uses = { executed: 0, written: 0, read_only: 0 };
  const spaces = new Map<number, number[]>();
  for (let page = 0; page < count; page++) {
    const kindsSeen = (kinds[page] as number) & include;
    if (kindsSeen === 0) continue;
    if (kindsSeen & FETCHES) uses.executed++;
    if (kindsSeen & WRITES) uses.written++;
    if ((kindsSeen & (FETCHES | WRITES)) === 0) uses.read_only++;
    if (objects) continue;
    const tag = tagAt[page] as bigint;
    const asid = asidOf(tag);
    const vpns = spaces.get(asid);
    if (vpns === undefined) spaces.set(asid, [Number(vpnOf(tag))]);
    else vpns.push(Number(vpnOf(tag)));
  }
  const regions = [...spaces].flatMap(([asid, vpns]) => regionsOf(asid, vpns, pageShift));
  const largest = regions.toSorted((a, b) => b.pages - a.pages).slice(0, REGIONS_MAX);
  const bySpaceAndPlace = (a: (typeof regions)[number], b: (typeof regions)[number]) =>
    a.asid - b.asid || a.first_vpn - b.first_vpn;
  return {
    uses,
    addressSpaces: [...spaces].map(([asid, vpns]) => ({ asid, pages: vpns.length })),
    regions: { count: regions.length, largest: largest.sort(bySpaceAndPlace) },
  };
}

/** Pages in a row, but for gaps of less than a mebibyte. */
function regionsOf(asid: number, vpns: number[], pageShift: number) {
  const gapPages = Math.max(1, GAP_BYTES >> pageShift);
  const sorted = Float64Array.from(vpns).sort();
  const regions: SurveyPages["regions"]["largest"] = [];
  for (const vpn of sorted) {
    const last = regions.at(-1);
    if (last !== undefined && vpn - last.last_vpn <= gapPages) {
      last.last_vpn = vpn;
      last.pages++;
    } else {
      regions.push({ asid, first_vpn: vpn, last_vpn: vpn, pages: 1 });
    }
  }
  return regions;
}
