/** Lets the processes of a recording in, each to a pipe of its own. */

import { serveTurnstile } from "../record/turnstile.ts";
import type { LetInTask, Outcome } from "../tasks.ts";
import { outcome } from "./outcome.ts";

export function letIn({ folder, control }: LetInTask): Promise<Outcome<void>> {
  return outcome(async () => serveTurnstile(folder, control));
}
