/*
 * Reading a policy's parameters: whole numbers, and shares of memory as percentages.
 */

import type { PolicyContext } from "./contract.ts";

export function integerOf({ params }: PolicyContext, name: string, byDefault: number): number {
  const value = params[name] ?? byDefault;
  if (typeof value !== "number" || !Number.isInteger(value)) throw new Error(`${name}=${value}`);
  return value;
}

/** A share of what memory holds, or of `whole`, in pages, rounded down. */
export function pagesOf(
  context: PolicyContext,
  name: string,
  byDefault: string,
  whole: number = context.capacity(),
): number {
  const value = context.params[name] ?? byDefault;
  const match = /^(\d+(?:\.\d+)?)%$/.exec(String(value));
  if (match === null) throw new Error(`${name}=${value}`);
  return Math.floor((Number(match[1]) / 100) * whole);
}
