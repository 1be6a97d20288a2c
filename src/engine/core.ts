/**
 * One instance of the engine, through `@assemblyscript/loader`. The compiled module is shared between
 * threads; every instance has private memory.
 */

import { type ASUtil, instantiateSync } from "@assemblyscript/loader";
import type { __AdaptedExports } from "../../build/core.js";

type Adapted = typeof __AdaptedExports;

/** What the loader hands out: strings as pointers and booleans as numbers, unlike asc's own bindings. */
type Raw<T> = T extends (...args: infer A) => infer R
  ? (...args: A) => R extends string | boolean ? number : R
  : T;

/** What an engine with a policy of the user's own has besides; see src/custom_policy/compiler.ts. */
interface CustomExports {
  builtInCount(): number;
  refusedVictim(): number;
  refusedEmptyVictim(): number;
  frameEntry(page: number): number;
}

export type Core = { [Name in keyof Adapted]: Raw<Adapted[Name]> } & Pick<ASUtil, "__getString"> &
  Partial<CustomExports>;

/** An assertion that fails ends the run like any other trap, and says which one it was and where. */
export function instantiateCore(module: WebAssembly.Module): Core {
  let core: Core | undefined;
  const abort = (message: number, file: number, line: number, column: number): never => {
    // While the module starts, its strings cannot be read yet.
    const what = message === 0 || core === undefined ? "assertion failed" : core.__getString(message);
    const where = core === undefined ? "" : `${core.__getString(file)}:`;
    throw new WebAssembly.RuntimeError(`${what} at ${where}${line}:${column}`);
  };
  const { exports } = instantiateSync<Record<string, unknown>>(module, { env: { abort } });
  core = exports as unknown as Core;
  return core;
}
