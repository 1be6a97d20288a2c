/** What there is to choose from. */

import { listPatterns as patternsOf } from "../engine/patterns.ts";
import { listPolicies as policiesOf } from "../engine/policies.ts";
import { FORMATS } from "../trace/formats/index.ts";
import type { FormatAbout, PatternAbout, PolicyAbout } from "../types.ts";
import { engineModule } from "./session.ts";

/** Every replacement policy with its parameters. */
export function listPolicies(): PolicyAbout[] {
  return policiesOf(engineModule());
}

/** Every trace format that can be read. */
export function listFormats(): FormatAbout[] {
  return FORMATS.map(({ name, summary, source, parameters = [] }) => ({
    name,
    summary,
    source,
    parameters: [...parameters],
  }));
}

/** Every pattern that can be generated, with its parameters. */
export function listPatterns(): PatternAbout[] {
  return patternsOf(engineModule());
}
