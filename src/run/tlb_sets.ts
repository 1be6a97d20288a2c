/**
 * TLBs divided by set, which is exact. Where memory holds every page nothing is evicted, and nothing is shot
 * down; then the sets of a TLB know nothing of one another. If all TLBs of a machine have at least S sets,
 * references to pages whose numbers differ modulo S never meet, in no level, and S workers can count them by
 * themselves.
 *
 * Paging-structure caches would meet all of them, and a random TLB draws from one sequence, so a machine with
 * either is not divided. The page table is shared, too: a walk that faults ends at the first node that is
 * missing, and each node is missing once, whoever comes first. So all walks together read
 *
 *     walks × levels − nodes below the roots
 */

import { TAG_BYTES } from "../trace/packed/layout.ts";
import { PackedTrace } from "../trace/packed/reader.ts";
import type { PackedCopy } from "./packed_copy.ts";
import type { ReplayPlan } from "./plan.ts";

/** How many classes of pages can be replayed by themselves, at most so many; 1 where they meet. */
export function classesOf({ mmu }: ReplayPlan, frames: number, pages: number, wanted: number): number {
  const isShared = mmu.walkCaches.some((entries) => entries > 0) || mmu.tlbs.some(isRandom);
  if (isShared || frames < pages) return 1;
  const sets = Math.min(...mmu.tlbs.map(({ entries, ways }) => entries / ways));
  return 2 ** Math.floor(Math.log2(Math.min(sets, wanted)));
}

/** What the walks of a trace read that never loses a page. */
export async function walkReferencesOf(
  { pageTable, mmu, trace }: ReplayPlan,
  copy: PackedCopy,
  walks: number,
): Promise<number> {
  const levels = pageTable.levelBits.length - Number(mmu.rootInRegisters);
  return walks * levels - (await nodesBelowRoots(copy, trace.include, pageTable.levelBits));
}

// --- internal ---

function isRandom({ policy }: ReplayPlan["mmu"]["tlbs"][number]): boolean {
  return policy === "random";
}

async function nodesBelowRoots(
  { path }: PackedCopy,
  include: number,
  levelBits: readonly number[],
): Promise<number> {
  const leafBits = BigInt(levelBits.at(-1) ?? 0);
  const packed = await PackedTrace.open(path);
  let nodes = new Set<bigint>();
  try {
    packed.readPages((tags, kinds) => {
      const view = new DataView(tags.buffer, tags.byteOffset, tags.byteLength);
      for (const [page, seen] of kinds.entries()) {
        if ((seen & include) !== 0) nodes.add(view.getBigUint64(page * TAG_BYTES, true) >> leafBits);
      }
    });
  } finally {
    packed.close();
  }
  let below = 0;
  for (const bits of levelBits.slice(1, -1).reverse()) {
    below += nodes.size;
    nodes = new Set([...nodes].map((node) => node >> BigInt(bits)));
  }
  return levelBits.length > 1 ? below + nodes.size : 0;
}
