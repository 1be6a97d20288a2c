/** The registry of machines: one file and one line each. */

import type { MachineFile } from "../machine.ts";
import { haswell } from "./haswell.ts";
import { i386 } from "./i386.ts";
import { icelakeSp } from "./icelake_sp.ts";
import { neoverseN1 } from "./neoverse_n1.ts";
import { pae } from "./pae.ts";
import { sapphireRapids } from "./sapphire_rapids.ts";
import { skylakeSp } from "./skylake_sp.ts";
import { x8664 } from "./x86_64.ts";
import { zen4 } from "./zen4.ts";

export const PRESETS: MachineFile[] = [
  x8664,
  skylakeSp,
  icelakeSp,
  sapphireRapids,
  zen4,
  haswell,
  neoverseN1,
  pae,
  i386,
];
