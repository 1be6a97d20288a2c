/**
 * The policies that an engine has, as they declare themselves (see assembly/core/registry.ts), and the
 * parsing of `NAME:param=value,...` against those declarations.
 */

import * as v from "valibot";
import { parseSpec } from "../assignments.ts";
import { UserError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { ChosenPolicy, PolicyAbout } from "../types.ts";
import { type Core, instantiateCore } from "./core.ts";
import { NAME_RULE, Parameters, parameterValues } from "./parameters.ts";

export const POLICY_NAME = /^[a-z0-9][a-z0-9-]*$/;

const About = v.strictObject({
  name: v.pipe(v.string(), v.regex(POLICY_NAME, NAME_RULE)),
  summary: v.string(),
  paper: v.string(),
  parameters: Parameters,
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
  const { params, values } = parameterValues(about.parameters, given, `policy ${name}`);
  return { index, name, params, values, clairvoyant: about.clairvoyant };
}
