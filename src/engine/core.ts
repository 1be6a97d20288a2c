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

export type Core = { [Name in keyof Adapted]: Raw<Adapted[Name]> } & Pick<ASUtil, "__getString">;

export function instantiateCore(module: WebAssembly.Module): Core {
  const { exports } = instantiateSync<Record<string, unknown>>(module, {
    env: { abort: () => undefined },
  });
  return exports as unknown as Core;
}
