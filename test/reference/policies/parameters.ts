/*
 * Reading a policy's parameters: whole numbers, and shares of the frames as percentages.
 */

import type { PolicyContext } from "./contract.ts";

export function integerOf({ params }: PolicyContext, name: string, byDefault: number): number {
  const value = params[name] ?? byDefault;
  if (typeof value !== "number" || !Number.isInteger(value)) throw new Error(`${name}=${value}`);
  return value;
}

/** A share of the frames, in pages, rounded down. */
export function pagesOf({ frames, params }: PolicyContext, name: string, byDefault: string): number {
  const value = params[name] ?? byDefault;
  const match = /^(\d+(?:\.\d+)?)%$/.exec(String(value));
  if (match === null) throw new Error(`${name}=${value}`);
  return Math.floor((Number(match[1]) / 100) * frames);
}
