/** The policy that a run was asked for, built in or of the user's own, with an engine that has it. */

import { compilePolicy, splitFileSpec } from "../custom_policy/compile.ts";
import { choosePolicy, listPolicies } from "../engine/policies.ts";
import type { ChosenPolicy, Progress } from "../types.ts";
import { engineModule } from "./session.ts";

/** Takes `clock:bits=2` or `./my-policy.ts:param=value`; the latter may have to be compiled. */
export async function choosePolicyAndEngine(
  spec: string,
  options: {
    /** With the memory manager. */
    managed?: boolean | undefined;
    signal?: AbortSignal | undefined;
    onProgress?: ((progress: Progress) => void) | undefined;
  } = {},
): Promise<{ policy: ChosenPolicy; module: WebAssembly.Module }> {
  const split = splitFileSpec(spec);
  if (split === undefined) {
    const module = engineModule();
    return { policy: choosePolicy(spec, listPolicies(module)), module };
  }
  const { file, params } = split;
  const { managed, signal, onProgress } = options;
  const onCompile = () => onProgress?.(compiling(file));
  const { module, policy } = await compilePolicy(file, { managed, signal, onCompile });
  const named = params === "" ? policy.name : `${policy.name}:${params}`;
  return { policy: { ...choosePolicy(named, listPolicies(module)), file }, module };
}

/** How far compiling has come is not known. */
export function compiling(file: string): Progress {
  return {
    phase: `compiling ${file}`,
    share: undefined,
    references: 0,
    references_per_second: 0,
    seconds_left: undefined,
  };
}
