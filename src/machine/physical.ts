/**
 * Physical memory as a machine of a given size has it: where its RAM is, which zones Linux cuts it into, and
 * what boot keeps of it.
 *
 * RAM on a PC (x86-64, i386, PAE): up to 640 KiB less the BIOS's last KiB and frame 0, from 1 MiB on, and
 * what does not fit below 3 GiB from 4 GiB on, for PCI devices have the addresses between. On arm64 it
 * starts at 1 GiB, as QEMU's "virt" has it.
 *
 * Zones: arch/x86/mm/init.c (zone_sizes_init), arch/arm64/mm/init.c (zone_sizes_init), mm/mm_init.c
 * (zone_spanned_pages_in_node, find_zone_movable_pfns_for_nodes) of Linux 6.15. i386 has its kernel's own
 * memory below 896 MiB, whatever vmalloc= may say.
 *
 * Boot keeps, by these rules: the first MiB (x86); the kernel's image, 32 MiB from 16 MiB on (8 MiB on
 * i386); at the top of the memory that the kernel addresses itself the memory map (64 bytes a page, 32 on
 * i386) and the hash tables of dentries and inodes (mm/mm_init.c, alloc_large_system_hash); and on x86-64,
 * if there is memory beyond 4 GiB, 64 MiB below it for devices that cannot address more (swiotlb). What
 * drivers, an initrd and a crash kernel take is left out.
 */

import { UserError } from "../errors.ts";

export const ZONES = ["DMA", "DMA32", "Normal", "HighMem", "Movable"] as const;
export type ZoneName = (typeof ZONES)[number];

export const ARCHITECTURES = ["x86-64", "i386", "pae", "arm64"] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

export const FRAME_BYTES = 4096;
/** Boundaries between zones are multiples of the buddy allocator's largest block. */
export const LARGEST_BLOCK_FRAMES = 1024;

/** Frames from `start` to before `end`. */
export interface FrameRange {
  start: number;
  end: number;
}

export interface Zone {
  name: ZoneName;
  /** In `ZONES`, as the engine numbers them. */
  index: number;
  start: number;
  spanned: number;
  present: number;
  managed: number;
}

export interface PhysicalMemory {
  architecture: Architecture;
  /**
   * A bit, by index, for each zone that the kernel is built with; those without frames are not in
   * `zones`.
   */
  zoneMask: number;
  ram: FrameRange[];
  /** What the page allocator is given, in the order of addresses; no range is in two zones. */
  managed: FrameRange[];
  /** In the order of `ZONES`. */
  zones: Zone[];
}

export interface PhysicalSetup {
  bytes: number;
  architecture?: Architecture | undefined;
  /** kernelcore= and movablecore=: bytes that are, or are not, the kernel's; the latter are zone Movable. */
  kernelcoreBytes?: number | undefined;
  movablecoreBytes?: number | undefined;
  /**
   * What boot keeps below 4 GiB for devices that cannot address more, if there is more; default 64 MiB on
   * x86-64.
   */
  swiotlbBytes?: number | undefined;
}

/** The memory of a machine with `bytes` of RAM. */
export function physicalMemory(setup: PhysicalSetup): PhysicalMemory {
  const { bytes, architecture = "x86-64" } = setup;
  const rules = RULES[architecture];
  const frames = Math.floor(bytes / FRAME_BYTES);
  const least = rules.imageStart + rules.imageFrames + LEAST_FRAMES;
  if (!(frames >= least)) {
    throw new UserError(
      `${architecture} cannot boot with ${bytes} bytes of memory; give it at least ${mib(least)} MiB`,
    );
  }
  if (frames > FRAMES_MAX) {
    throw new UserError(
      `${bytes} bytes of memory are more than is modelled; at most ${mib(FRAMES_MAX)} MiB are`,
    );
  }
  const ram = ramOf(frames, rules);
  const { kernelcoreBytes, movablecoreBytes } = setup;
  const movableStart = movableFrom(ram, rules, kernelcoreBytes, movablecoreBytes);
  const bounds = zoneBounds(ram, rules, movableStart);
  const swiotlbFrames = Math.ceil((setup.swiotlbBytes ?? rules.swiotlbBytes) / FRAME_BYTES);
  const managed = without(ram, bootRanges(ram, rules, swiotlbFrames));
  return zoned(
    architecture,
    rules.zones.map(([name]) => name),
    ram,
    managed,
    bounds,
  );
}

/** Cuts ranges at zones' boundaries and counts; `bounds` come in the order of addresses. */
export function zoned(
  architecture: Architecture,
  configured: readonly ZoneName[],
  ram: FrameRange[],
  managed: FrameRange[],
  bounds: readonly (FrameRange & { name: ZoneName })[],
): PhysicalMemory {
  const zones = bounds.map(({ name, start, end }) => ({
    name,
    index: ZONES.indexOf(name),
    start,
    spanned: end - start,
    present: framesIn(within(ram, start, end)),
    managed: framesIn(within(managed, start, end)),
  }));
  const names: readonly ZoneName[] = [...configured, "Movable"];
  return {
    architecture,
    zoneMask: ZONES.reduce((mask, name, index) => (names.includes(name) ? mask | (1 << index) : mask), 0),
    ram,
    managed: bounds.flatMap(({ start, end }) => within(managed, start, end)),
    zones,
  };
}

/** The parts of ranges from frame `start` to before `end`. */
export function within(ranges: readonly FrameRange[], start: number, end: number): FrameRange[] {
  return ranges
    .map((range) => ({ start: Math.max(start, range.start), end: Math.min(end, range.end) }))
    .filter((range) => range.start < range.end);
}

export function framesIn(ranges: readonly FrameRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** Ranges without what others cover. */
export function without(ranges: readonly FrameRange[], taken: readonly FrameRange[]): FrameRange[] {
  return taken.reduce<FrameRange[]>(
    (left, { start, end }) =>
      [...within(left, 0, start), ...within(left, end, Number.POSITIVE_INFINITY)].sort(byStart),
    [...ranges].sort(byStart),
  );
}

// --- internal ---

const MIB_FRAMES = 2 ** 20 / FRAME_BYTES;
const GIB_FRAMES = 2 ** 30 / FRAME_BYTES;
/** An engine has 4 GiB, and a frame takes ten bytes and its owner's. */
const FRAMES_MAX = 256 * GIB_FRAMES;
const LEAST_FRAMES = 8 * MIB_FRAMES;

interface Rules {
  /** Zones from the lowest, with the first frame beyond them. */
  zones: [ZoneName, number][];
  pc: boolean;
  /** Frames that can be addressed at all. */
  end: number;
  /** Where the kernel's own memory ends. */
  lowmemEnd: number;
  imageStart: number;
  imageFrames: number;
  mapBytes: number;
  hashBytes: number;
  swiotlbBytes: number;
}

const I386: Rules = {
  zones: [
    ["DMA", 16 * MIB_FRAMES],
    ["Normal", 896 * MIB_FRAMES],
    ["HighMem", Number.POSITIVE_INFINITY],
  ],
  pc: true,
  end: 4 * GIB_FRAMES,
  lowmemEnd: 896 * MIB_FRAMES,
  imageStart: 16 * MIB_FRAMES,
  imageFrames: 8 * MIB_FRAMES,
  mapBytes: 32,
  hashBytes: 4,
  swiotlbBytes: 0,
};

const RULES: Record<Architecture, Rules> = {
  "x86-64": {
    zones: [
      ["DMA", 16 * MIB_FRAMES],
      ["DMA32", 4 * GIB_FRAMES],
      ["Normal", Number.POSITIVE_INFINITY],
    ],
    pc: true,
    end: Number.POSITIVE_INFINITY,
    lowmemEnd: Number.POSITIVE_INFINITY,
    imageStart: 16 * MIB_FRAMES,
    imageFrames: 32 * MIB_FRAMES,
    mapBytes: 64,
    hashBytes: 8,
    swiotlbBytes: 64 * 2 ** 20,
  },
  i386: I386,
  pae: { ...I386, end: 64 * GIB_FRAMES },
  arm64: {
    zones: [
      ["DMA", 4 * GIB_FRAMES],
      ["Normal", Number.POSITIVE_INFINITY],
    ],
    pc: false,
    end: Number.POSITIVE_INFINITY,
    lowmemEnd: Number.POSITIVE_INFINITY,
    imageStart: 0,
    imageFrames: 32 * MIB_FRAMES,
    mapBytes: 64,
    hashBytes: 8,
    swiotlbBytes: 0,
  },
};

function ramOf(frames: number, { pc, end }: Rules): FrameRange[] {
  if (!pc) return [{ start: GIB_FRAMES, end: GIB_FRAMES + frames }];
  const low = Math.min(frames, 3 * GIB_FRAMES);
  const ram = [
    { start: 1, end: 0x9f },
    { start: MIB_FRAMES, end: low },
    { start: 4 * GIB_FRAMES, end: 4 * GIB_FRAMES + frames - low },
  ];
  return within(ram, 0, end);
}

/** The first frame of zone Movable, if there is one (find_zone_movable_pfns_for_nodes). */
function movableFrom(
  ram: readonly FrameRange[],
  { zones }: Rules,
  kernelcoreBytes: number | undefined,
  movablecoreBytes: number | undefined,
): number | undefined {
  const total = framesIn(ram);
  const wanted = Math.ceil((movablecoreBytes ?? 0) / FRAME_BYTES);
  const movable = Math.min(total, Math.ceil(wanted / LARGEST_BLOCK_FRAMES) * LARGEST_BLOCK_FRAMES);
  const kernelcore = Math.ceil((kernelcoreBytes ?? 0) / FRAME_BYTES);
  const core = Math.max(kernelcore, movable > 0 ? total - movable : 0);
  if ((kernelcore === 0 && movable === 0) || core >= total) return undefined;
  const last = endOf(ram);
  const highest = zones.findLastIndex((_, index) => (zones[index - 1]?.[1] ?? 0) < last);
  const usable = zones[highest - 1]?.[1] ?? 0;
  let left = core - framesIn(within(ram, 0, usable));
  for (const { start, end } of within(ram, usable, last)) {
    if (end - start >= left) {
      const from = start + Math.max(0, left);
      const rounded = Math.ceil(from / LARGEST_BLOCK_FRAMES) * LARGEST_BLOCK_FRAMES;
      return rounded < last ? rounded : undefined;
    }
    left -= end - start;
  }
  return undefined;
}

function zoneBounds(
  ram: readonly FrameRange[],
  { zones }: Rules,
  movableStart = Number.POSITIVE_INFINITY,
): (FrameRange & { name: ZoneName })[] {
  const first = ram[0]?.start ?? 0;
  const last = endOf(ram);
  const all = zones.map(([name, end], index) => ({
    name,
    start: Math.max(first, zones[index - 1]?.[1] ?? 0),
    end: Math.min(end, last, movableStart),
  }));
  return [...all, { name: "Movable" as const, start: movableStart, end: last }].filter(
    ({ start, end }) => start < end,
  );
}

/** What boot keeps. */
function bootRanges(ram: readonly FrameRange[], rules: Rules, swiotlbFrames: number): FrameRange[] {
  const first = rules.pc ? 0 : GIB_FRAMES;
  const image = first + rules.imageStart;
  const taken: FrameRange[] = [{ start: image, end: image + rules.imageFrames }];
  if (rules.pc) taken.push({ start: 0, end: MIB_FRAMES });
  const total = framesIn(ram);
  const lowmem = within(ram, 0, rules.lowmemEnd);
  if (endOf(ram) > 4 * GIB_FRAMES) {
    taken.push(...top(without(within(ram, 0, 4 * GIB_FRAMES), taken), swiotlbFrames));
  }
  const bytes =
    total * rules.mapBytes +
    hashBuckets(lowmem, 1) * rules.hashBytes +
    hashBuckets(lowmem, 2) * rules.hashBytes;
  taken.push(...top(without(lowmem, taken), Math.ceil(bytes / FRAME_BYTES)));
  return taken;
}

/**
 * Buckets of a hash table with one for every 2^shift pages, fewer from 64 GiB on (alloc_large_system_hash).
 */
function hashBuckets(lowmem: readonly FrameRange[], shift: number): number {
  const pages = Math.ceil(framesIn(lowmem) / MIB_FRAMES) * MIB_FRAMES;
  let scale = shift;
  for (let adapt = 64 * GIB_FRAMES; adapt < pages; adapt *= 4) scale++;
  return 2 ** Math.ceil(Math.log2(pages / 2 ** scale));
}

/** The last `frames` frames of ranges. */
function top(ranges: readonly FrameRange[], frames: number): FrameRange[] {
  const taken: FrameRange[] = [];
  let left = frames;
  for (const { start, end } of [...ranges].reverse()) {
    if (left === 0) break;
    const size = Math.min(left, end - start);
    taken.push({ start: end - size, end });
    left -= size;
  }
  return taken;
}

function endOf(ranges: readonly FrameRange[]): number {
  return ranges.at(-1)?.end ?? 0;
}

function byStart(a: FrameRange, b: FrameRange): number {
  return a.start - b.start;
}

function mib(frames: number): number {
  return Math.ceil(frames / MIB_FRAMES);
}
