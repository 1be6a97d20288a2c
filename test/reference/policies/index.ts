/*
 * The page replacement policies by name.
 *
 * Why: the simulators and the tests ask for a policy by the name that a user gives it. The paper of
 * each policy is named in its own file.
 */

import { arc } from "./arc.ts";
import { car } from "./car.ts";
import { clock } from "./clock.ts";
import type { PolicyFactory } from "./contract.ts";
import { fifo } from "./fifo.ts";
import { lecar } from "./lecar.ts";
import { lru } from "./lru.ts";
import { nru } from "./nru.ts";
import { opt } from "./opt.ts";
import { random } from "./random.ts";
import { wTinyLfu } from "./w_tinylfu.ts";

export type PolicyName =
  | "fifo"
  | "lru"
  | "clock"
  | "nru"
  | "random"
  | "opt"
  | "arc"
  | "car"
  | "lecar"
  | "w-tinylfu";

export const policies: Record<PolicyName, PolicyFactory> = {
  fifo,
  lru,
  clock,
  nru,
  random,
  opt,
  arc,
  car,
  lecar,
  "w-tinylfu": wTinyLfu,
};
