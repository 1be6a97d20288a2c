/**
 * Ctrl-C, SIGTERM, and SIGHUP of a terminal that closes: the first stops the run cleanly. A second one, or a
 * thread that cannot be stopped because it waits for a pipe that nobody opens, lets the signal do what it
 * does by default.
 */

const PATIENCE_MS = 1500;

export function interruptible(patienceMs = PATIENCE_MS): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const stop = (): void => {
    for (const name of signals) process.off(name, onSignal);
  };
  const giveUp = (): void => {
    stop();
    process.kill(process.pid, "SIGINT");
  };
  const onSignal = (): void => {
    if (controller.signal.aborted) {
      giveUp();
    } else {
      controller.abort();
      setTimeout(giveUp, patienceMs).unref();
    }
  };
  for (const name of signals) process.on(name, onSignal);
  return { signal: controller.signal, stop };
}
