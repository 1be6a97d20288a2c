/** Parameters as policies and patterns declare them in the engine, and their values from what users write. */

import * as v from "valibot";
import { UserError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { ParameterAbout } from "../types.ts";
import { parseCount, parsePercentage } from "../units.ts";

/** As many as assembly/core/policy.ts keeps. */
const PARAMETERS_MAX = 16;

export const NAME_RULE = "a name has lower-case letters, digits and hyphens";

const Parameter = v.pipe(
  v.strictObject({
    name: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_-]*$/, NAME_RULE)),
    type: v.picklist(["integer", "number", "share", "choice", "file"]),
    default: v.union([v.number(), v.string()]),
    min: v.optional(v.number()),
    max: v.optional(v.number()),
    most: v.optional(v.string()),
    choices: v.optional(v.array(v.string())),
    summary: v.string(),
  }),
  v.check(hasGoodDefault, "the default is not one of the parameter's values"),
);

export const Parameters = v.pipe(
  v.array(Parameter),
  v.maxLength(PARAMETERS_MAX, `a policy has ${PARAMETERS_MAX} parameters at most`),
  v.check((all) => new Set(all.map(({ name }) => name)).size === all.length, "two have the same name"),
);

/** Values as the user would write them, by name, and as the engine wants them, in the order declared. */
export interface ParameterValues {
  params: Record<string, number | string>;
  values: number[];
}

/** What was given, and defaults for the rest; `what` has the parameters, for messages: `policy clock`. */
export function parameterValues(
  parameters: readonly ParameterAbout[],
  given: ReadonlyMap<string, string>,
  what: string,
): ParameterValues {
  for (const key of given.keys()) {
    if (parameters.some(({ name }) => name === key)) continue;
    const names = parameters.map(({ name }) => name);
    const known = names.length === 0 ? "it has none" : `it has ${names.join(", ")}`;
    throw new UserError(`${what} has no parameter "${key}"${nearest(key, names)}; ${known}`);
  }
  const params: Record<string, number | string> = {};
  for (const parameter of parameters) {
    const text = given.get(parameter.name);
    const most = parameter.most === undefined ? undefined : Number(params[parameter.most]);
    const value = text === undefined ? parameter.default : parameterValue(parameter, text, what);
    if (most === undefined || typeof value === "string" || value <= most) {
      params[parameter.name] = value;
    } else if (text === undefined) {
      params[parameter.name] = most;
    } else {
      throw new UserError(`${what}: ${parameter.name}=${text} is more than ${parameter.most}, ${most}`);
    }
  }
  const values = parameters.map((parameter) => engineValue(parameter, params[parameter.name] ?? 0));
  return { params, values };
}

// --- internal ---

function hasGoodDefault(parameter: ParameterAbout): boolean {
  const { type, default: value, choices = [] } = parameter;
  if (choices.includes(String(value))) return true;
  if ((type === "integer" || type === "number") !== (typeof value === "number")) return false;
  if (type === "file") return value === "";
  if (type === "choice") return false;
  try {
    parameterValue(parameter, String(value), "");
    return true;
  } catch {
    return false;
  }
}

function parameterValue(parameter: ParameterAbout, text: string, owner: string): number | string {
  const what = `${owner}: ${parameter.name}=${text}`;
  const { min = 0, type, choices = [] } = parameter;
  if (choices.includes(text) || type === "file") return text;
  const or = choices.length > 0 ? `, or ${choices.join(", ")}` : "";
  switch (type) {
    case "choice":
      throw new UserError(`${what}${nearest(text, choices)}; it is one of ${choices.join(", ")}`);
    case "share": {
      const { max = 100 } = parameter;
      const percent = (parsePercentage(text) ?? Number.NaN) * 100;
      if (percent >= min && percent <= max) return text;
      throw new UserError(`${what} is not a percentage from ${min}% to ${max}%${or}`);
    }
    case "number": {
      const { max = Number.MAX_VALUE } = parameter;
      const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
      if (value >= min && value <= max) return value;
      throw new UserError(`${what} is not a number from ${min} to ${max}${or}`);
    }
    case "integer": {
      const { max = 0xffffffff } = parameter;
      const value = parseCount(text) ?? Number.NaN;
      if (value >= min && value <= max) return value;
      throw new UserError(`${what} is not a whole number from ${min} to ${max}${or}`);
    }
  }
}

/** A number as it is, a share as a fraction, a choice as its number; a number's choices as -1, -2, ... */
function engineValue(parameter: ParameterAbout, value: number | string): number {
  if (typeof value === "number") return value;
  const choice = (parameter.choices ?? []).indexOf(value);
  if (parameter.type === "choice") return choice;
  if (parameter.type === "file") return 0;
  return choice >= 0 ? -1 - choice : (parsePercentage(value) ?? Number.NaN);
}
