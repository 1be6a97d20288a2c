/**
 * The policies that an engine has, as they declare themselves (see assembly/core/registry.ts), and the
 * parsing of `NAME:param=value,...` against those declarations.
 */

import * as v from "valibot";
import { parseSpec } from "../assignments.ts";
import { UserError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { ChosenPolicy, ParameterAbout, PolicyAbout } from "../types.ts";
import { parsePercentage } from "../units.ts";
import { type Core, instantiateCore } from "./core.ts";

/** As many as assembly/core/policy.ts keeps. */
const PARAMETERS_MAX = 16;

export const POLICY_NAME = /^[a-z0-9][a-z0-9-]*$/;
const NAME_RULE = "a name has lower-case letters, digits and hyphens";

const Parameter = v.pipe(
  v.strictObject({
    name: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_-]*$/, NAME_RULE)),
    type: v.picklist(["integer", "share", "choice"]),
    default: v.union([v.number(), v.string()]),
    min: v.optional(v.number()),
    max: v.optional(v.number()),
    choices: v.optional(v.array(v.string())),
    summary: v.string(),
  }),
  v.check(hasGoodDefault, "the default is not one of the parameter's values"),
);

const About = v.strictObject({
  name: v.pipe(v.string(), v.regex(POLICY_NAME, NAME_RULE)),
  summary: v.string(),
  paper: v.string(),
  parameters: v.pipe(
    v.array(Parameter),
    v.maxLength(PARAMETERS_MAX, `a policy has ${PARAMETERS_MAX} parameters at most`),
    v.check((all) => new Set(all.map(({ name }) => name)).size === all.length, "two have the same name"),
  ),
});

/** Every registered policy, in the order of the registry. */
export function listPolicies(module: WebAssembly.Module): PolicyAbout[] {
  const core = instantiateCore(module);
  return Array.from({ length: core.policyCount() }, (_, index) => aboutOf(core, index));
}

function aboutOf(core: Core, index: number): PolicyAbout {
  const about = v.parse(About, JSON.parse(core.__getString(core.policyAbout(index))));
  return { ...about, clairvoyant: core.policyIsClairvoyant(index) !== 0 };
}

/** The policy's name in its declaration, or what is wrong with the declaration. */
export function checkDeclaration(text: string): { name: string } | { problem: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { problem: `is not valid JSON: ${(error as Error).message}` };
  }
  const { success, output, issues } = v.safeParse(About, json);
  if (success) return output;
  const [issue] = issues;
  const place = v.getDotPath(issue);
  return { problem: `${place === null ? "" : `has a wrong "${place}": `}${issue.message}` };
}

function hasGoodDefault(parameter: ParameterAbout): boolean {
  const { type, default: value, choices = [] } = parameter;
  if ((type === "integer") !== (typeof value === "number")) return false;
  if (type === "choice") return choices.includes(String(value));
  try {
    parameterValue(parameter, String(value), "");
    return true;
  } catch {
    return false;
  }
}

/** Parses `clock:bits=2,fill=referenced`; unnamed parameters take their defaults. */
export function choosePolicy(spec: string, policies: PolicyAbout[]): ChosenPolicy {
  const { name, given } = parseSpec(spec, "policy");
  const index = policies.findIndex((policy) => policy.name === name);
  const about = policies[index];
  if (about === undefined) {
    const names = policies.map((policy) => policy.name);
    throw new UserError(
      `unknown policy "${name}"${nearest(name, names)}; "clockhand list policies" shows all`,
    );
  }
  for (const key of given.keys()) {
    if (about.parameters.some((parameter) => parameter.name === key)) continue;
    const names = about.parameters.map((parameter) => parameter.name);
    const known = names.length === 0 ? "it has none" : `it has ${names.join(", ")}`;
    throw new UserError(`policy ${name} has no parameter "${key}"${nearest(key, names)}; ${known}`);
  }
  const params: Record<string, number | string> = {};
  const values: number[] = [];
  for (const parameter of about.parameters) {
    const value = parameterValue(parameter, given.get(parameter.name), name);
    params[parameter.name] = value;
    values.push(engineValue(parameter, value));
  }
  return { index, name, params, values, clairvoyant: about.clairvoyant };
}

function parameterValue(
  parameter: ParameterAbout,
  text: string | undefined,
  policy: string,
): number | string {
  if (text === undefined) return parameter.default;
  const what = `policy ${policy}: ${parameter.name}=${text}`;
  const choices = parameter.choices ?? [];
  if (choices.includes(text)) return text;
  if (parameter.type === "choice") {
    throw new UserError(`${what}${nearest(text, choices)}; it is one of ${choices.join(", ")}`);
  }
  if (parameter.type === "share") {
    const { min = 0, max = 100 } = parameter;
    const percent = (parsePercentage(text) ?? Number.NaN) * 100;
    if (percent >= min && percent <= max) return text;
    const or = choices.length > 0 ? `, or ${choices.join(", ")}` : "";
    throw new UserError(`${what} is not a percentage from ${min}% to ${max}%${or}`);
  }
  const { min = 0, max = 0xffffffff } = parameter;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UserError(`${what} is not a whole number from ${min} to ${max}`);
}

/** An integer as it is, a share as a fraction, a choice as its number; a share's choices as -1, -2, ... */
function engineValue(parameter: ParameterAbout, value: number | string): number {
  if (typeof value === "number") return value;
  const choice = (parameter.choices ?? []).indexOf(value);
  if (parameter.type === "choice") return choice;
  return choice >= 0 ? -1 - choice : (parsePercentage(value) ?? Number.NaN);
}
