/** What every command that works for a while shares: a progress bar, notices, and a clean end on Ctrl-C. */

import { EXIT } from "../errors.ts";
import type { Progress } from "../types.ts";
import { interruptible } from "./interrupt.ts";
import { progressBar } from "./progress_bar.ts";

export interface CommandContext {
  signal: AbortSignal;
  onProgress(progress: Progress): void;
  /** A sentence on standard error. */
  onNotice(text: string): void;
  /** Standard output; the bar is gone then. */
  print(text: string): void;
}

/** Runs `work`; what it returns is how the command ends. It is given `patienceMs` to end on Ctrl-C. */
export async function runCommand(
  work: (context: CommandContext) => Promise<keyof typeof EXIT | undefined>,
  patienceMs?: number,
): Promise<void> {
  const bar = progressBar();
  const interrupt = interruptible(patienceMs);
  try {
    const end = await work({
      signal: interrupt.signal,
      onProgress: bar.update,
      onNotice: (text) => {
        bar.stop();
        process.stderr.write(`clockhand: ${text}\n`);
      },
      print: (text) => {
        bar.stop();
        process.stdout.write(text);
      },
    });
    if (end !== undefined) process.exitCode = EXIT[end];
  } finally {
    bar.stop();
    interrupt.stop();
  }
}
