/** A bar on standard error with share, rate and time left; nothing when that is no terminal. */

import { type Options, SingleBar } from "cli-progress";
import type { Progress } from "../types.ts";
import { formatCount, formatRate } from "../units.ts";

const STEPS = 1000;

const OPTIONS: Options = {
  stream: process.stderr,
  noTTYOutput: false,
  clearOnComplete: true,
  hideCursor: true,
  fps: 10,
  barsize: 24,
  format: "{phase}  {bar} {percentage}%  {rate}{left}",
};
const OPTIONS_UNKNOWN_END: Options = {
  ...OPTIONS,
  format: "{phase}  {references}{rate}",
};

export function progressBar(): { update(progress: Progress): void; stop(): void } {
  let bar: SingleBar | undefined;
  /** What the present bar shows: the phase, and whether its end is known. */
  let shown = "";
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    stop,
    update(progress) {
      if (!process.stderr.isTTY) return;
      const { share, references, references_per_second: rate, seconds_left: left } = progress;
      const payload = {
        phase: progress.phase,
        references: references === 0 ? "" : `${formatCount(references)} references  `,
        rate: references === 0 ? "" : `${formatRate(rate)} references/s  `,
        left: left === undefined ? "" : `${Math.ceil(left)} s left`,
      };
      const kind = `${progress.phase} ${share !== undefined}`;
      if (bar === undefined || shown !== kind) {
        stop();
        shown = kind;
        bar = new SingleBar(share === undefined ? OPTIONS_UNKNOWN_END : OPTIONS);
        bar.start(STEPS, 0, payload);
      }
      bar.update(Math.round((share ?? 0) * STEPS), payload);
    },
  };
}
