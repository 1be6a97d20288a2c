/** `GFP_KERNEL|__GFP_ZERO` as recordings have it, in the engine's flags. */

import { GFP, GFP_KERNEL } from "../../engine/kernel_memory.ts";

const { IO, FS, DIRECT_RECLAIM, KSWAPD_RECLAIM } = GFP;
const RECLAIM = DIRECT_RECLAIM | KSWAPD_RECLAIM;

/** Names of several flags, include/linux/gfp_types.h; kernels print the longest that fits. */
const COMPOUND: Record<string, number> = {
  GFP_KERNEL,
  GFP_KERNEL_ACCOUNT: GFP_KERNEL | GFP.ACCOUNT,
  GFP_USER: GFP_KERNEL,
  GFP_HIGHUSER: GFP_KERNEL | GFP.HIGHMEM,
  GFP_HIGHUSER_MOVABLE: GFP_KERNEL | GFP.HIGHMEM | GFP.MOVABLE,
  GFP_TRANSHUGE: GFP_KERNEL | GFP.HIGHMEM | GFP.MOVABLE | GFP.NOWARN,
  GFP_TRANSHUGE_LIGHT: IO | FS | GFP.HIGHMEM | GFP.MOVABLE | GFP.NOWARN,
  GFP_NOFS: RECLAIM | IO,
  GFP_NOIO: RECLAIM,
  GFP_NOWAIT: KSWAPD_RECLAIM | GFP.NOWARN,
  GFP_ATOMIC: GFP.HIGH | KSWAPD_RECLAIM,
  GFP_DMA: GFP.DMA,
  GFP_DMA32: GFP.DMA32,
  GFP_TEMPORARY: GFP_KERNEL | GFP.RECLAIMABLE,
  GFP_RECLAIM: RECLAIM,
};

const SINGLE: Record<string, number> = GFP;

const known = new Map<string, number>();
const KNOWN_MAX = 10_000;

/** Flags that the model does not have change nothing; a number instead of names is GFP_KERNEL. */
export function gfpOf(text: string): number {
  const cached = known.get(text);
  if (cached !== undefined) return cached;
  const flags = /^[A-Z_|a-z0-9]*[A-Z]/.test(text)
    ? text.split("|").reduce((all, name) => all | flagOf(name), 0)
    : GFP_KERNEL;
  if (known.size < KNOWN_MAX) known.set(text, flags);
  return flags;
}

// --- internal ---

function flagOf(name: string): number {
  const plain = name.replace(/^_+/, "");
  return COMPOUND[plain] ?? SINGLE[plain.replace(/^GFP_/, "")] ?? 0;
}
