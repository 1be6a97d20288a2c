/** A section of the results: rows of what was measured, each with its target, where it has one. */

import type { Spread } from "./measure.ts";

export interface Section {
  name: string;
  title: string;
  /** What was measured and how, a line each. */
  about: string[];
  rows: Row[];
}

export interface Row {
  what: string;
  median: string;
  spread: string;
  target: string;
  met: string;
}

interface Target {
  atLeast?: number;
  atMost?: number;
}

/** `amount` of `unit` a second, from the seconds that it took. */
export function rate(what: string, amount: number, unit: string, seconds: Spread, target: Target = {}): Row {
  const per = { median: seconds.median, min: seconds.max, max: seconds.min };
  const [median, min, max] = [amount / per.median, amount / per.min, amount / per.max];
  return row(what, median, { min, max, samples: seconds.samples }, unit, target);
}

/** A quantity as it was measured. */
export function quantity(what: string, spread: Spread, unit: string, target: Target = {}): Row {
  return row(what, spread.median, spread, unit, target);
}

/** A ratio of medians, which has no spread of its own. */
export function ratio(what: string, value: number, target: Target = {}): Row {
  return row(what, value, undefined, "", target);
}

/** Something that could not be measured here, and why. */
export function missing(what: string, why: string): Row {
  return { what, median: why, spread: "", target: "", met: "" };
}

// --- internal ---

function row(
  what: string,
  median: number,
  spread: { min: number; max: number; samples: number } | undefined,
  unit: string,
  { atLeast, atMost }: Target,
): Row {
  const tail = unit === "" ? "" : ` ${unit}`;
  const range = spread && `${number(spread.min)} - ${number(spread.max)} (${spread.samples})`;
  const bound = atLeast ?? atMost;
  const met = atLeast !== undefined ? median >= atLeast : median <= (atMost ?? Number.NaN);
  return {
    what,
    median: `${number(median)}${tail}`,
    spread: range ?? "",
    target: bound === undefined ? "" : `${atLeast === undefined ? "≤" : "≥"} ${bound}${tail}`,
    met: bound === undefined ? "" : met ? "met" : "not met",
  };
}

function number(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
