/** The process on whose behalf the kernel works now. */

import { Process } from "./process";

let current: usize = 0;

/** Null: the kernel itself. */
export function currentProcess(): Process | null {
  return changetype<Process | null>(current);
}

export function setCurrent(process: Process | null): void {
  current = changetype<usize>(process);
}
