/**
 * Flags of a page request (gfp: "get free pages"): from which zones, what may be done to find pages, and how
 * mobile they will be. The numbers are this model's, near those of Linux 6.x; the names and what follows
 * from each are those of include/linux/gfp_types.h and include/linux/gfp.h. `ZERO`, `ACCOUNT` and `COMP`
 * change nothing here: they are kept for events.
 */

export const GFP_DMA: u32 = 1;
export const GFP_ZONE_HIGHMEM: u32 = 2;
export const GFP_DMA32: u32 = 4;
export const GFP_MOVABLE: u32 = 8;
export const GFP_RECLAIMABLE: u32 = 16;
/** May use part of the reserve below the min watermark. */
export const GFP_HIGH: u32 = 32;
export const GFP_IO: u32 = 64;
export const GFP_FS: u32 = 128;
export const GFP_ZERO: u32 = 0x100;
export const GFP_DIRECT_RECLAIM: u32 = 0x400;
export const GFP_KSWAPD_RECLAIM: u32 = 0x800;
export const GFP_NOWARN: u32 = 0x2000;
export const GFP_RETRY_MAYFAIL: u32 = 0x4000;
export const GFP_NOFAIL: u32 = 0x8000;
export const GFP_NORETRY: u32 = 0x10000;
/** May use everything: reclaim itself allocates. */
export const GFP_MEMALLOC: u32 = 0x20000;
export const GFP_COMP: u32 = 0x40000;
export const GFP_ACCOUNT: u32 = 0x400000;

export const GFP_RECLAIM: u32 = GFP_DIRECT_RECLAIM | GFP_KSWAPD_RECLAIM;
export const GFP_NOWAIT: u32 = GFP_KSWAPD_RECLAIM | GFP_NOWARN;
export const GFP_ATOMIC: u32 = GFP_HIGH | GFP_KSWAPD_RECLAIM;
export const GFP_NOIO: u32 = GFP_RECLAIM;
export const GFP_NOFS: u32 = GFP_RECLAIM | GFP_IO;
export const GFP_KERNEL: u32 = GFP_RECLAIM | GFP_IO | GFP_FS;
export const GFP_USER: u32 = GFP_KERNEL;
export const GFP_HIGHUSER: u32 = GFP_USER | GFP_ZONE_HIGHMEM;
/** GFP_HIGHUSER_MOVABLE: pages of processes and of the page cache. */
export const GFP_USER_MOVABLE: u32 = GFP_HIGHUSER | GFP_MOVABLE;
