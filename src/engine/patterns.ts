/** The patterns of references that an engine can generate, as they declare themselves. */

import * as v from "valibot";
import { parseSpec } from "../assignments.ts";
import { UserError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { ParameterAbout, PatternAbout } from "../types.ts";
import { type Core, instantiateCore } from "./core.ts";
import { NAME_RULE, Parameters, type ParameterValues, parameterValues } from "./parameters.ts";

const About = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^[a-z][a-z-]*$/, NAME_RULE)),
  summary: v.string(),
  source: v.string(),
  parameters: Parameters,
});

/** What every pattern has behind its own parameters. */
export const COMMON_PARAMETERS: readonly ParameterAbout[] = [
  {
    name: "first",
    type: "integer",
    default: "next",
    choices: ["next"],
    summary: "where its pages begin; next is behind all pages of the patterns before it",
  },
  {
    name: "repeat",
    type: "integer",
    default: 1,
    min: 1,
    summary: "references in a row to every page that comes",
  },
  { name: "writes", type: "share", default: "0%", summary: "its references that are stores" },
  { name: "modifies", type: "share", default: "0%", summary: "its references that are modifies" },
  { name: "fetches", type: "share", default: "0%", summary: "its references that are fetches" },
];

/** Those that say what kinds its references are of. */
export const KIND_SHARES = ["writes", "modifies", "fetches"] as const;

/** Every registered pattern, in the order of the registry. */
export function listPatterns(module: WebAssembly.Module): PatternAbout[] {
  const core = instantiateCore(module);
  return Array.from({ length: core.patternCount() }, (_, index) => aboutOf(core, index));
}

export interface ChosenPattern extends ParameterValues {
  index: number;
  name: string;
}

/** Parses `zipf:pages=1M,alpha=0.9`; `shares` are those of the kinds where none is given. */
export function choosePattern(
  spec: string,
  patterns: readonly PatternAbout[],
  shares: ReadonlyMap<string, string>,
): ChosenPattern {
  const { name, given } = parseSpec(spec, "pattern");
  const index = patterns.findIndex((pattern) => pattern.name === name);
  const about = patterns[index];
  if (about === undefined) {
    const names = patterns.map((pattern) => pattern.name);
    throw new UserError(
      `unknown pattern "${name}"${nearest(name, names)}; "clockhand list patterns" shows all`,
    );
  }
  const hasShares = KIND_SHARES.some((share) => given.has(share));
  const all = hasShares ? given : new Map([...shares, ...given]);
  const { params, values } = parameterValues(about.parameters, all, `pattern ${name}`);
  return { index, name, params, values };
}

// --- internal ---

function aboutOf(core: Core, index: number): PatternAbout {
  const about = v.parse(About, JSON.parse(core.__getString(core.patternAbout(index))));
  return { ...about, parameters: [...about.parameters, ...COMMON_PARAMETERS] };
}
