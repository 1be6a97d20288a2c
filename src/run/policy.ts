/** The policy that a run was asked for, built in or of the user's own, with an engine that has it. */

import { compilePolicy, splitFileSpec } from "../custom_policy/compile.ts";
import { choosePolicy, listPolicies } from "../engine/policies.ts";
import type { ChosenPolicy } from "../types.ts";
import { engineModule } from "./session.ts";

/** Takes `clock:bits=2` or `./my-policy.ts:param=value`; the latter may have to be compiled. */
export async function choosePolicyAndEngine(
  spec: string,
  signal?: AbortSignal,
): Promise<{ policy: ChosenPolicy; module: WebAssembly.Module }> {
  const split = splitFileSpec(spec);
  if (split === undefined) {
    const module = engineModule();
    return { policy: choosePolicy(spec, listPolicies(module)), module };
  }
  const { file, params } = split;
  const { module, policy } = await compilePolicy(file, { signal });
  const named = params === "" ? policy.name : `${policy.name}:${params}`;
  return { policy: { ...choosePolicy(named, listPolicies(module)), file }, module };
}
