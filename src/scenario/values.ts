/** The values of a scenario: sizes, durations, counts, shares and choices, each as it is written. */

import * as v from "valibot";
import { UserError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { parseBytes, parseCount, parseDuration, parsePercentage } from "../units.ts";

const PAGE_BYTES = 4096;

export type Value<T> = v.GenericSchema<unknown, T>;

/** A value that `read` makes of its text, or refuses as not `wanted`. */
export function written<T>(wanted: string, read: (text: string) => T | undefined): Value<T> {
  return v.pipe(
    v.unknown(),
    v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
      const isPlain = typeof value === "string" || typeof value === "number";
      const result = isPlain ? read(String(value)) : undefined;
      if (result !== undefined) return result;
      addIssue({ message: `expected ${wanted}, found ${shown(value)}` });
      return NEVER;
    }),
  );
}

/** As it was written, if that is short. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "keys with values";
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

function bytesIn(text: string): number | undefined {
  try {
    return parseBytes(text, "size");
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** Bytes, none of them or more. */
export const Size = written("a size such as 64MiB", bytesIn);

/** Bytes, one at least. */
export const SomeSize = written("a size above 0 such as 64MiB", (text) => {
  const bytes = bytesIn(text);
  return bytes === 0 ? undefined : bytes;
});

/** Bytes, or as many as one likes, which is Infinity. */
export function sizeOr(unlimited: "max" | "unlimited"): Value<number> {
  return written(`a size such as 64MiB, or ${unlimited}`, (text) =>
    text === unlimited ? Number.POSITIVE_INFINITY : bytesIn(text),
  );
}

/** Nanoseconds. */
export const Duration = written("a duration such as 200ms or 5s", (text) =>
  text === "0" ? 0 : parseDuration(text),
);

/** Nanoseconds, one at least. */
export const Interval = written(
  "a duration above 0 such as 200ms or 5s",
  (text) => parseDuration(text) || undefined,
);

export function whole(min: number, max: number = Number.MAX_SAFE_INTEGER): Value<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  return written(`a whole number ${range}`, (text) => {
    const value = /^-?\d+$/.test(text) ? Number(text) : (parseCount(text) ?? Number.NaN);
    return Number.isSafeInteger(value) && value >= min && value <= max ? value : undefined;
  });
}

/** A number that need not be whole, as of microseconds. */
export const Microseconds = written("a number of microseconds", (text) =>
  /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined,
);

/** `30%`, kept as it is written. */
export const Percentage = written("a percentage such as 30%", (text) => {
  const share = parsePercentage(text);
  return share === undefined || share > 1 ? undefined : text;
});

/** How many of an area's pages: `100%`, or a number. */
export type PagesWanted = { share: number } | { count: number };

export const Pages = written<PagesWanted>("a share such as 50% or a number of pages", (text) => {
  const share = parsePercentage(text);
  if (share !== undefined) return share <= 1 ? { share } : undefined;
  const count = parseCount(text);
  return count === undefined ? undefined : { count };
});

/** The address of a page, which YAML may have read as a number already. */
export const Address = written('the address of a page, a multiple of 4 KiB such as "0x10000000"', (text) => {
  const address = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(address) && address % PAGE_BYTES === 0 ? address : undefined;
});

export const Yes: Value<boolean> = v.pipe(
  v.unknown(),
  v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
    if (typeof value === "boolean") return value;
    addIssue({ message: `expected true or false, found ${shown(value)}` });
    return NEVER;
  }),
);

const NAME_CHARACTERS_MAX = 100;

/** A name of something in the scenario. */
export const Name = written(`a name of at most ${NAME_CHARACTERS_MAX} characters`, (text) =>
  text.trim() !== "" && text.length <= NAME_CHARACTERS_MAX ? text : undefined,
);

/** Any text but an empty one. */
export const Text = written("text", (text) => (text.trim() === "" ? undefined : text));

export function oneOf<const Choice extends string>(choices: readonly Choice[]): Value<Choice> {
  return v.pipe(
    v.unknown(),
    v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
      const choice = choices.find((known) => known === String(value));
      if (choice !== undefined) return choice;
      const hint = typeof value === "string" ? nearest(value, choices) : "";
      addIssue({ message: `${shown(value)} is none of ${choices.join(", ")}${hint}` });
      return NEVER;
    }),
  );
}

/** One value or a list of them, as a list. */
export function listOf<T>(item: Value<T>) {
  return v.pipe(
    v.unknown(),
    v.transform((value) => (Array.isArray(value) ? value : [value])),
    v.array(item),
  );
}

/** Keys with values, none but these. */
export function keyed<const Entries extends v.ObjectEntries>(entries: Entries) {
  return v.pipe(
    v.unknown(),
    v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
      if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
      addIssue({ message: `expected keys with values, found ${shown(value)}` });
      return NEVER;
    }),
    v.strictObject(entries),
  );
}

/** Keys with values, of which a plain value, or a list, is short for `key` alone. */
export function orShort<const Entries extends v.ObjectEntries>(
  key: keyof Entries & string,
  entries: Entries,
) {
  return v.pipe(
    v.unknown(),
    v.transform((value) => {
      const isKeyed = typeof value === "object" && value !== null && !Array.isArray(value);
      return isKeyed ? value : { [key]: value };
    }),
    v.strictObject(entries),
  );
}
