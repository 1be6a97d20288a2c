/** Replacement policies by name, as the engine wants them. */

import { choosePolicy, listPolicies } from "../../src/engine/policies.ts";
import { engineModule } from "../../src/run/session.ts";
import type { ChosenPolicy } from "../../src/types.ts";

export function policyOf(name: string): ChosenPolicy {
  return choosePolicy(name, listPolicies(engineModule()));
}
