/**
 * A path that leads each process that opens it to a named pipe of its own, so that what several processes
 * write does not mix, and nothing is ever on a disk.
 *
 * The path is a link to pipe f0. Opening a pipe for reading takes until somebody opens it for writing; when
 * that has happened, the path is made a link to f1, and so on. A thread that does nothing else sees to it.
 * Two processes that open the path within the same moment get the same pipe all the same; the reader notices
 * (recorded_runs.ts), because each says who it is.
 *
 * Valgrind opens its log file again after a fork when the name has %p, the process's number, in it; the
 * kernel resolves /proc/%p/root/NAME to NAME.
 */

import { spawnSync } from "node:child_process";
import { closeSync, constants, linkSync, mkdirSync, openSync, renameSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../errors.ts";
import { Control, streamPath } from "./control.ts";

const BATCH = 32;

/** The main thread's side: makes the folder, and ends what the other thread does. */
export class Turnstile {
  readonly folder: string;
  readonly #control: Control;
  #release: number | undefined;

  constructor(folder: string, control: Control) {
    this.folder = folder;
    this.#control = control;
    mkdirSync(folder, { mode: 0o700 });
    makePipes(folder, 0);
    prepare(folder, 0);
    show(folder);
  }

  /** What Valgrind is to write to; `forks` for one that opens it anew after a fork. */
  path(forks: boolean): string {
    const path = shown(this.folder);
    return forks ? `/proc/%p/root${path}` : path;
  }

  /**
   * Lets nobody in any more. The other thread either sees that or waits for a writer of the pipe that
   * `turn` names: opening it for reading and writing at once does not wait itself, and ends that.
   */
  close(): void {
    if (this.#release !== undefined) return;
    this.#control.close();
    const pipe = streamPath(this.folder, this.#control.turn);
    this.#release = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  }

  /** When the other thread has ended. */
  release(): void {
    if (this.#release !== undefined) closeSync(this.#release);
  }
}

/** The other thread's side: lets one after the other in until the turnstile is closed. */
export function serveTurnstile(folder: string, buffer: SharedArrayBuffer): void {
  const control = new Control(buffer);
  /** Pipes that their reader may not have opened yet: without one, the kernel ends who writes. */
  let held: { stream: number; fd: number }[] = [];
  while (!control.closed) {
    const stream = control.turn;
    if ((stream + 1) % BATCH === 0) makePipes(folder, stream + 1);
    prepare(folder, stream + 1);
    const fd = openSync(streamPath(folder, stream), "r");
    show(folder);
    control.passTurn();
    held.push({ stream, fd });
    const { adopted } = control;
    for (const pipe of held) if (pipe.stream < adopted) closeSync(pipe.fd);
    held = held.filter((pipe) => pipe.stream >= adopted);
  }
}

// --- internal ---

function shown(folder: string): string {
  return join(folder, "log");
}

function prepare(folder: string, stream: number): void {
  linkSync(streamPath(folder, stream), join(folder, "next"));
}

function show(folder: string): void {
  renameSync(join(folder, "next"), shown(folder));
}

function makePipes(folder: string, first: number): void {
  const names = Array.from({ length: BATCH }, (_, index) => streamPath(folder, first + index));
  const { error, status, stderr } = spawnSync("mkfifo", ["-m", "600", ...names]);
  if (error === undefined && status === 0) return;
  const reason = error?.message ?? stderr.toString().trim();
  throw new UserError(`no named pipes can be made in ${folder} (${reason}); set TMPDIR to another folder`);
}
