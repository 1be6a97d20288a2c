/*
 * The page replacement policies by name.
 *
 * Why: the simulators and the tests ask for a policy by the name that a user gives it. The paper of
 * each policy is named in its own file.
 */

import { twoQ } from "./2q.ts";
import { aging } from "./aging.ts";
import { arc } from "./arc.ts";
import { car } from "./car.ts";
import { clock } from "./clock.ts";
import { clockPro } from "./clock_pro.ts";
import type { PolicyFactory } from "./contract.ts";
import { fifo } from "./fifo.ts";
import { hyperbolic } from "./hyperbolic.ts";
import { lecar } from "./lecar.ts";
import { lfu } from "./lfu.ts";
import { linux } from "./linux.ts";
import { lirs } from "./lirs.ts";
import { lru } from "./lru.ts";
import { lruK } from "./lru_k.ts";
import { mglru } from "./mglru.ts";
import { mq } from "./mq.ts";
import { mru } from "./mru.ts";
import { nru } from "./nru.ts";
import { opt } from "./opt.ts";
import { random } from "./random.ts";
import { s3Fifo } from "./s3_fifo.ts";
import { sieve } from "./sieve.ts";
import { slru } from "./slru.ts";
import { wTinyLfu } from "./w_tinylfu.ts";
import { wsClock } from "./ws_clock.ts";

export const policies = {
  fifo,
  lru,
  clock,
  nru,
  random,
  opt,
  lfu,
  mru,
  aging,
  "lru-k": lruK,
  hyperbolic,
  sieve,
  "s3-fifo": s3Fifo,
  "2q": twoQ,
  slru,
  mq,
  arc,
  car,
  lecar,
  "w-tinylfu": wTinyLfu,
  lirs,
  "clock-pro": clockPro,
  "ws-clock": wsClock,
  linux,
  mglru,
} satisfies Record<string, PolicyFactory>;

export type PolicyName = keyof typeof policies;
