/*
 * The simulators: page replacement alone, and a whole memory-management unit.
 *
 * Why: simulatePages is demand paging as the literature studies it (P. J. Denning, "Virtual
 * Memory", ACM Computing Surveys 2(3), 1970): a reference string, frames and a policy.
 * simulateMachine adds what stands between a reference and the frames: two levels of TLB, the page
 * walk and the paging-structure caches (Intel SDM vol. 3A, section 4.10). A reference that the TLBs
 * answer never reaches the page table, so that hardware sets the accessed bit only on a walk;
 * accessedBit "walk" shows the policy just that.
 */

import { SlowMemory } from "./memory.ts";
import { pageIds, positionsByPage } from "./pages.ts";
import type { PolicyParams } from "./policies/contract.ts";
import type { PolicyName } from "./policies/index.ts";
import type { TlbGeometry } from "./tlb.ts";
import { SlowTlb } from "./tlb.ts";
import type { Touch } from "./types.ts";
import { isWrite } from "./types.ts";
import { SlowWalker } from "./walk.ts";

/** A reference of which only the page, by any number, and the writing matter. */
export interface PageReference {
  page: number;
  write: boolean;
}

export interface PageOptions {
  params?: PolicyParams;
  /** The random stream of policy "random". */
  random?: (n: number) => number;
}

export interface PageResult {
  references: number;
  hits: number;
  minor: number;
  major: number;
  evictions: number;
  writebacks: number;
  /** Ascending: page ids by first touch for Touches, the caller's numbers for PageReferences. */
  residentAtEnd: number[];
}

/** Page replacement alone: every reference reaches the policy. */
export function simulatePages(
  references: readonly Touch[] | readonly PageReference[],
  frames: number,
  policy: PolicyName,
  options: PageOptions = {},
): PageResult {
  const ids = pageIds(references.map(keyOf));
  const memory = new SlowMemory({ ...options, frames, policy, future: positionsByPage(ids) });
  let hits = 0;
  references.forEach((reference, position) => {
    const page = ids[position]!;
    memory.policy.onReference?.(position);
    if (memory.isResident(page)) {
      hits += 1;
      memory.policy.hit(page);
    } else {
      memory.fault(page);
    }
    const writes = "kind" in reference ? isWrite(reference.kind) : reference.write;
    if (writes) memory.write(page);
  });

  const numberOf = (id: number): number => {
    const first = references[ids.indexOf(id)]!;
    return "page" in first ? first.page : id;
  };
  return {
    references: references.length,
    hits,
    minor: memory.minor,
    major: memory.major,
    evictions: memory.evictions,
    writebacks: memory.writebacks,
    residentAtEnd: memory
      .residentPages()
      .map(numberOf)
      .sort((a, b) => a - b),
  };
}

function keyOf(reference: Touch | PageReference): string {
  return "page" in reference ? `${reference.page}` : `${reference.asid} ${reference.vpn}`;
}

export type TlbName = "l1" | "l1i" | "l1d" | "l2" | "l2i" | "l2d";

export interface Machine {
  frames: number;
  /** Index bits of the page table's levels, root first; see walk.ts. */
  levelBits: number[];
  /** Entries of the paging-structure cache of each non-leaf depth, root first; 0 is none. */
  walkCaches?: number[];
  /** The root's entries are registers, as in PAE paging; see walk.ts. */
  rootInRegisters?: boolean;
  /** At each level one unified TLB (l1), or one for instructions and one for data, or none. */
  tlb: Partial<Record<TlbName, TlbGeometry>>;
  /** The TLBs of cores 1, 2, ...; every core has paging-structure caches of its own too. */
  otherCores?: Partial<Record<TlbName, TlbGeometry>>[];
  policy: PolicyName;
  params?: PolicyParams;
  /** The random stream of policy "random". */
  random?: (n: number) => number;
  /** What the policy sees: every reference, or only walks to resident pages, and faults. */
  accessedBit: "reference" | "walk";
}

export interface TlbResult {
  name: TlbName;
  hits: number;
  misses: number;
  invalidated: number;
}

export interface MachineResult extends PageResult {
  tlbs: TlbResult[];
  walks: {
    count: number;
    memory_references: number;
    /** By non-leaf depth: how many walks the paging-structure cache of that depth shortened. */
    cache_hits: number[];
  };
}

const TLB_NAMES: TlbName[] = ["l1", "l1i", "l1d", "l2", "l2i", "l2d"];

/** The whole memory-management unit. */
export function simulateMachine(touches: readonly Touch[], machine: Machine): MachineResult {
  const ids = pageIds(touches.map(keyOf));
  const memory = new SlowMemory({ ...machine, future: positionsByPage(ids) });
  const present = new Set<string>();
  const cores = [machine.tlb, ...(machine.otherCores ?? [])].map((tlb) => ({
    tlbs: buildTlbs(tlb),
    walker: new SlowWalker(machine, present),
  }));
  let hits = 0;

  /** Makes the translation of a page that has left memory disappear from all caches of it. */
  const shootDown = (evicted: number): void => {
    const { asid, vpn } = touches[ids.indexOf(evicted)]!;
    for (const { tlbs, walker } of cores) {
      for (const tlb of tlbs.values()) tlb.invalidate(asid, vpn);
      walker.invalidate(asid);
    }
  };

  touches.forEach(({ asid, vpn, kind, core = 0 }, position) => {
    const { tlbs, walker } = cores[core]!;
    const page = ids[position]!;
    const side = kind === "fetch" ? "i" : "d";
    const l1 = tlbs.get(`l1${side}`) ?? tlbs.get("l1");
    const l2 = tlbs.get(`l2${side}`) ?? tlbs.get("l2");
    memory.policy.onReference?.(position);

    const wasResident = memory.isResident(page);
    if (wasResident) hits += 1;

    const l1Hit = l1 !== undefined && l1.access(asid, vpn);
    const l2Hit = !l1Hit && l2 !== undefined && l2.access(asid, vpn);
    const walks = !l1Hit && !l2Hit;
    if (!walks && !wasResident) throw new Error("a TLB translates a page that is not resident");

    if (wasResident && (machine.accessedBit === "reference" || walks)) memory.policy.hit(page);

    if (walks) {
      walker.walk(asid, vpn, wasResident);
      if (!wasResident) {
        const evicted = memory.fault(page);
        if (evicted !== undefined) shootDown(evicted);
      }
      walker.complete(asid, vpn);
      l2?.fill(asid, vpn);
    }
    if (!l1Hit) l1?.fill(asid, vpn);

    if (isWrite(kind)) memory.write(page);
  });

  return {
    references: touches.length,
    hits,
    minor: memory.minor,
    major: memory.major,
    evictions: memory.evictions,
    writebacks: memory.writebacks,
    residentAtEnd: memory.residentPages(),
    tlbs: [...cores[0]!.tlbs.keys()].map((name) => {
      const sum = (what: "hits" | "misses" | "invalidated") =>
        cores.reduce((total, { tlbs }) => total + tlbs.get(name)![what], 0);
      return { name, hits: sum("hits"), misses: sum("misses"), invalidated: sum("invalidated") };
    }),
    walks: {
      count: cores.reduce((sum, { walker }) => sum + walker.walks, 0),
      memory_references: cores.reduce((sum, { walker }) => sum + walker.references, 0),
      cache_hits: cores[0]!.walker.cacheHits.map((_, depth) =>
        cores.reduce((sum, { walker }) => sum + walker.cacheHits[depth]!, 0),
      ),
    },
  };
}

function buildTlbs(geometries: Machine["tlb"]): Map<TlbName, SlowTlb> {
  for (const level of ["l1", "l2"] as const) {
    const isSplit = geometries[`${level}i`] !== undefined || geometries[`${level}d`] !== undefined;
    if (isSplit && geometries[level] !== undefined) {
      throw new Error(`${level} is either unified or split`);
    }
  }
  const tlbs = new Map<TlbName, SlowTlb>();
  for (const name of TLB_NAMES) {
    const geometry = geometries[name];
    if (geometry !== undefined) tlbs.set(name, new SlowTlb(geometry));
  }
  return tlbs;
}
