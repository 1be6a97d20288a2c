/** A command that runs, and how it is ended with all that it has started. */

import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** So long a command may take to end when it is asked to. */
const PATIENCE_MS = 500;

export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export class RunningCommand {
  readonly child: ChildProcess;
  /** Rejects when the command could not be started. */
  readonly ending: Promise<Ending>;
  #hasEnded = false;

  constructor(program: string, args: readonly string[], stdio: StdioOptions) {
    this.child = spawn(program, args, { stdio });
    this.ending = new Promise((resolve, reject) => {
      this.child.once("error", reject);
      this.child.once("exit", (code, signal) => {
        this.#hasEnded = true;
        resolve({ code, signal });
      });
    });
    this.ending.catch(() => {
      this.#hasEnded = true;
    });
  }

  /** Asks the command and its descendants to end, and ends them if they do not. */
  async stop(): Promise<void> {
    const { pid } = this.child;
    if (pid === undefined) return;
    const processes = this.#hasEnded ? [] : [pid, ...descendantsOf(pid)];
    for (const each of processes) send(each, "SIGTERM");
    const timer = setTimeout(() => {
      for (const each of [...processes, ...descendantsOf(pid)]) send(each, "SIGKILL");
    }, PATIENCE_MS);
    await this.ending.catch(() => undefined);
    clearTimeout(timer);
  }
}

// --- internal ---

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

/** The processes that a process has started, and those that they have; none where there is no /proc. */
function descendantsOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of processNames()) {
    const parent = parentOf(name);
    if (parent === undefined) continue;
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [pid];
  for (const each of found) found.push(...(children.get(each) ?? []));
  return found.slice(1);
}

function processNames(): string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** proc(5): the parent comes behind the name, which is in parentheses, and the state. */
function parentOf(name: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${name}/stat`, "latin1");
    return Number(/^ \w (\d+)/.exec(stat.slice(stat.lastIndexOf(")") + 1))?.[1]);
  } catch {
    return undefined;
  }
}
