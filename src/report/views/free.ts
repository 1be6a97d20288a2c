/**
 * `free` of procps-ng 4 (src/free.c and library/meminfo.c, 4.0.2), which reads /proc/meminfo and nothing
 * else: used is total less available, the cache includes reclaimable slabs, and of numbers for people those
 * below ten have a decimal. Its repetitions (-s, -c) and decimal units (--si) are left out.
 */

import { type Quantity, valueIn } from "../../machine_state.ts";
import { oneDecimal } from "./numbers.ts";

export type FreeUnit = "b" | "k" | "m" | "g" | "human";

export interface FreeOptions {
  /** `-b`, `-k` (the default), `-m`, `-g`, `-h`. */
  unit?: FreeUnit;
  /** `-w`: buffers and cache apart. */
  wide?: boolean;
  /** `-t`: memory and swap together. */
  total?: boolean;
  /** `-l`: low and high memory. */
  lohi?: boolean;
}

/** What procps makes of a meminfo, in KiB. */
export interface MemorySummary {
  total: number;
  used: number;
  free: number;
  shared: number;
  buffers: number;
  /** With what slabs can give back. */
  cache: number;
  available: number;
  swap: { total: number; used: number; free: number };
  low: { total: number; used: number; free: number };
  high: { total: number; used: number; free: number };
}

export function summarize(meminfo: readonly Quantity[]): MemorySummary {
  const kb = (name: string): number => valueIn(meminfo, name) ?? 0;
  const total = kb("MemTotal");
  const free = kb("MemFree");
  const claimed = kb("MemAvailable");
  // Kernels before 3.14 do not say; in some containers more is available than there is.
  const available = claimed === 0 || claimed > total ? free : claimed;
  const hasLow = kb("LowTotal") !== 0;
  const low = { total: hasLow ? kb("LowTotal") : total, free: hasLow ? kb("LowFree") : free };
  const high = { total: kb("HighTotal"), free: kb("HighFree") };
  const swap = { total: kb("SwapTotal"), free: kb("SwapFree") };
  return {
    total,
    used: total - available,
    free,
    shared: kb("Shmem"),
    buffers: kb("Buffers"),
    cache: kb("Cached") + kb("SReclaimable"),
    available,
    swap: { ...swap, used: swap.total - swap.free },
    low: { ...low, used: low.total - low.free },
    high: { ...high, used: high.total - high.free },
  };
}

export function renderFree(meminfo: readonly Quantity[], options: FreeOptions = {}): string {
  const { unit = "k", wide = false, total = false, lohi = false } = options;
  const memory = summarize(meminfo);
  const caches = wide ? [memory.buffers, memory.cache] : [memory.buffers + memory.cache];
  const titles = ["total", "used", "free", "shared", ...(wide ? ["buffers", "cache"] : ["buff/cache"])];
  const row = (name: string, values: number[]): string =>
    `${name.padEnd(9)}${values.map((kb) => scaled(kb, unit).padStart(11)).join(" ")}\n`;
  const triple = (kind: "swap" | "low" | "high"): number[] => {
    const { total, used, free } = memory[kind];
    return [total, used, free];
  };
  const { swap } = memory;
  const sums = [memory.total + swap.total, memory.used + swap.used, memory.free + swap.free];
  return [
    `${" ".repeat(9)}${[...titles, "available"].map((title) => title.padStart(11)).join(" ")}\n`,
    row("Mem:", [memory.total, memory.used, memory.free, memory.shared, ...caches, memory.available]),
    ...(lohi ? [row("Low:", triple("low")), row("High:", triple("high"))] : []),
    row("Swap:", triple("swap")),
    ...(total ? [row("Total:", sums)] : []),
  ].join("");
}

const POWERS = { b: 0, k: 1, m: 2, g: 3 } as const;
/** With its unit, a number for people has as many characters at most. */
const HUMAN_CHARACTERS_MAX = 5;

function scaled(kb: number, unit: FreeUnit): string {
  if (unit !== "human") return String(Math.trunc((kb * 1024) / 1024 ** POWERS[unit]));
  return humanBytes(kb * 1024);
}

/** `0B`, `8.6Mi`, `783Mi`, `23Gi`: scale_size() of free.c. */
export function humanBytes(bytes: number): string {
  let text = `${bytes}B`;
  // Its bytes may have one character less, for there is no `i` after the unit.
  if (text.length < HUMAN_CHARACTERS_MAX) return text;
  let value = bytes;
  for (const letter of "KMGTP") {
    value /= 1024;
    for (const digits of [oneDecimal(Math.fround(value)), String(Math.trunc(value))]) {
      text = `${digits}${letter}i`;
      if (text.length <= HUMAN_CHARACTERS_MAX) return text;
    }
  }
  return text;
}
