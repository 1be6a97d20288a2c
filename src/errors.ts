/**
 * The two kinds of failure that are not bugs. Each message is one line: what was wrong, where, what to do.
 */

/** The user's mistake: exit code 2. */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** A trace that is corrupt, truncated or not what it says: exit code 3. */
export class TraceError extends Error {
  override readonly name = "TraceError";
}

/** Stopped by an `AbortSignal` or Ctrl-C: exit code 130. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";

  constructor() {
    super("interrupted; no result was written");
  }
}

export const EXIT = { done: 0, bug: 1, user: 2, trace: 3, interrupted: 130 } as const;

/** The exit code for whatever a run threw. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UserError) return EXIT.user;
  if (error instanceof TraceError) return EXIT.trace;
  if (error instanceof InterruptedError) return EXIT.interrupted;
  return EXIT.bug;
}

/** An error in a form that survives the way from a worker thread, which keeps no classes. */
export interface ErrorMessage {
  name: string;
  message: string;
  stack: string | undefined;
}

/** An error as the user can act on it: a system that has run out of something is no bug. */
export function explained(error: unknown): unknown {
  // An error of a thread that could not even load its modules comes without its code.
  if (!(error instanceof Error && /^EMFILE:/.test(error.message))) return error;
  return new UserError(`${TOO_MANY_FILES}; fewer workers need fewer (--workers)`);
}

export const TOO_MANY_FILES =
  "more files are to be open at once than the system allows; raise the limit (ulimit -n)";

export function toMessage(thrown: unknown): ErrorMessage {
  const error = explained(thrown);
  if (!(error instanceof Error)) return { name: "Error", message: String(error), stack: undefined };
  return { name: error.name, message: error.message, stack: error.stack };
}

export function fromMessage(message: ErrorMessage): Error {
  if (message.name === "UserError") return new UserError(message.message);
  if (message.name === "TraceError") return new TraceError(message.message);
  const error = new Error(message.message);
  error.name = message.name;
  if (message.stack !== undefined) error.stack = message.stack;
  return error;
}
