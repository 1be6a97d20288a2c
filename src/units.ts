/** Sizes and counts as users write and read them. */

import { UserError } from "./errors.ts";

const UNITS: Record<string, number> = {
  "": 1,
  B: 1,
  K: 2 ** 10,
  KIB: 2 ** 10,
  M: 2 ** 20,
  MIB: 2 ** 20,
  G: 2 ** 30,
  GIB: 2 ** 30,
  T: 2 ** 40,
  TIB: 2 ** 40,
};

/** Bytes from `64MiB`, `64M`, `1.5GiB` or `4096`; `what` names the option in the error. */
export function parseBytes(text: string, what: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const unit = UNITS[match?.[2]?.toUpperCase() ?? "?"];
  const bytes = Number(match?.[1]) * (unit ?? Number.NaN);
  if (bytes > Number.MAX_SAFE_INTEGER) throw new UserError(`${what}: ${text} is more than any machine has`);
  if (!Number.isSafeInteger(bytes)) {
    throw new UserError(`${what}: "${text}" is not a size; write it like 64MiB, 512K or 4096`);
  }
  return bytes;
}

const MULTIPLES: Record<string, number> = { "": 1, K: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/** A whole number from `10k`, `1.5M` or `4096`: unlike sizes, counts have decimal units. */
export function parseCount(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([kmgt]?)$/i.exec(text.trim());
  if (match === null) return undefined;
  const count = Number(match[1]) * (MULTIPLES[match[2]?.toUpperCase() ?? ""] ?? Number.NaN);
  const whole = Math.round(count);
  return Number.isSafeInteger(whole) && Math.abs(count - whole) < 1e-6 ? whole : undefined;
}

/** A share of 1 from `50%`, or undefined when `text` is no percentage. */
export function parsePercentage(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)%$/.exec(text.trim());
  return match === null ? undefined : Number(match[1]) / 100;
}

/** `1536` as `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(value < 10 ? 2 : 1)} ${units[unit]}`;
}

/** `1234567` as `1,234,567`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** `1 page`, `1,234 pages`. */
export function formatCountOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A share of 1 as a percentage with as many digits as it needs to be told from 0 and from 1. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent > 99.9 && percent < 100) return `${percent.toFixed(3)}%`;
  if (percent === 0 || percent >= 10) return `${percent.toFixed(1)}%`;
  return `${percent.toPrecision(3)}%`;
}

/** `310000000` as `310 M`, for rates. */
export function formatRate(rate: number): string {
  if (rate >= 1e9) return `${(rate / 1e9).toFixed(2)} G`;
  if (rate >= 1e6) return `${(rate / 1e6).toFixed(rate < 1e7 ? 1 : 0)} M`;
  if (rate >= 1e3) return `${(rate / 1e3).toFixed(0)} k`;
  return rate.toFixed(0);
}

/** Nanoseconds as `12.3 ns`, `4.5 µs`, `8 ms`. */
export function formatNanoseconds(ns: number): string {
  if (ns < 1e3) return `${ns.toFixed(ns < 10 ? 2 : 1)} ns`;
  if (ns < 1e6) return `${(ns / 1e3).toFixed(1)} µs`;
  if (ns < 1e9) return `${(ns / 1e6).toFixed(1)} ms`;
  return `${(ns / 1e9).toFixed(1)} s`;
}

const DURATIONS_NS: Record<string, number> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 6e10, h: 3.6e12 };

/** Nanoseconds from `200ms`, `1.5s` or `5m`; undefined when `text` is no duration. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ns|us|ms|s|m|h)$/.exec(text.trim());
  if (match === null) return undefined;
  const ns = Math.round(Number(match[1]) * (DURATIONS_NS[match[2] ?? ""] ?? Number.NaN));
  return Number.isSafeInteger(ns) ? ns : undefined;
}
