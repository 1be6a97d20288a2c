/*
 * The page replacement policies by name.
 *
 * Why: the simulators and the tests ask for a policy by the name that a user gives it. The paper of
 * each policy is named in its own file.
 */

import { clock } from "./clock.ts";
import type { PolicyFactory } from "./contract.ts";
import { fifo } from "./fifo.ts";
import { linux } from "./linux.ts";
import { lru } from "./lru.ts";
import { mglru } from "./mglru.ts";
import { nru } from "./nru.ts";
import { opt } from "./opt.ts";
import { random } from "./random.ts";
import { wsClock } from "./ws_clock.ts";

export type PolicyName = "fifo" | "lru" | "clock" | "nru" | "random" | "opt" | "ws-clock" | "linux" | "mglru";

export const policies: Record<PolicyName, PolicyFactory> = {
  fifo,
  lru,
  clock,
  nru,
  random,
  opt,
  "ws-clock": wsClock,
  linux,
  mglru,
};
