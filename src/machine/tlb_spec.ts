/** TLBs as users write them: `L1I=128/8/lru,L1D=64/4,L2=1536/12/lru`, that is NAME=entries/ways[/policy]. */

import { UserError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { TLB_NAMES, TLB_POLICIES, type TlbGeometry } from "../types.ts";

const ENTRIES_MAX = 2 ** 20;
const WAYS_MAX = 4096;

/** Parses and checks the TLBs of a machine; `what` says where the text stands. */
export function parseTlbs(text: string, what: string): TlbGeometry[] {
  const tlbs = text.split(",").map((part) => parseTlb(part.trim(), what));
  const names = tlbs.map((tlb) => tlb.name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) throw new UserError(`${what}: ${repeated} is given twice`);
  for (const level of ["L1", "L2"] as const) {
    const split = names.find((name) => name === `${level}I` || name === `${level}D`);
    if (names.includes(level) && split !== undefined) {
      throw new UserError(`${what}: ${level} is unified, so there can be no ${split} beside it`);
    }
  }
  if (names.includes("L1") && (names.includes("L2I") || names.includes("L2D"))) {
    throw new UserError(`${what}: behind a unified L1 the second level must be unified too, L2`);
  }
  if (!names.includes("L1") && !(names.includes("L1I") && names.includes("L1D"))) {
    throw new UserError(`${what}: a first level for fetches and data is needed, L1 or L1I and L1D`);
  }
  return tlbs;
}

function parseTlb(part: string, what: string): TlbGeometry {
  const match = /^(\w+)=(\d+)\/(\d+)(?:\/([\w-]+))?$/.exec(part);
  if (match === null) {
    throw new UserError(`${what}: "${part}" is not a TLB; write NAME=entries/ways/policy, like L1D=64/4/lru`);
  }
  const [, nameText = "", entriesText, waysText, policyText = "lru"] = match;
  const name = TLB_NAMES.find((known) => known === nameText);
  if (name === undefined) {
    throw new UserError(
      `${what}: no TLB is called "${nameText}"${nearest(nameText, TLB_NAMES)}; names are ${TLB_NAMES.join(", ")}`,
    );
  }
  const policy = TLB_POLICIES.find((known) => known === policyText);
  if (policy === undefined) {
    throw new UserError(
      `${what}: ${name} has no policy "${policyText}"${nearest(policyText, TLB_POLICIES)}; ` +
        `policies are ${TLB_POLICIES.join(", ")}`,
    );
  }
  const entries = Number(entriesText);
  const ways = Number(waysText);
  const sets = entries / ways;
  if (ways < 1 || ways > WAYS_MAX || entries < 1 || entries > ENTRIES_MAX) {
    throw new UserError(`${what}: ${part}: entries must be 1 to ${ENTRIES_MAX} and ways 1 to ${WAYS_MAX}`);
  }
  if (sets < 1 || !Number.isInteger(Math.log2(sets))) {
    throw new UserError(
      `${what}: ${part}: entries / ways, the number of sets, must be a power of two, not ${sets}`,
    );
  }
  return { name, entries, ways, policy };
}
