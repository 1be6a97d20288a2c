/**
 * What one run owns besides its data: a pool of workers with the compiled module in hand, a temporary folder,
 * and a way to be interrupted. Closing it leaves nothing behind.
 */

import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { explained, fromMessage, InterruptedError, UserError } from "../errors.ts";
import type { Progress } from "../types.ts";
import { newProgress, watchProgress } from "./progress.ts";
import type { Outcome, WorkerData } from "./tasks.ts";
import type * as worker from "./worker.ts";

type Tasks = typeof worker;
type TaskName = keyof Tasks;
type Input<Name extends TaskName> = Omit<Parameters<Tasks[Name]>[0], "progress">;
type Output<Name extends TaskName> = Awaited<ReturnType<Tasks[Name]>> extends Outcome<infer T> ? T : never;

/**
 * Piscina loads a worker's module with `require` first, then with `import`. Node 20 ends the whole process
 * (`v8::Module::IsGraphAsync`) when a thread is terminated while it requires an ES module.
 */
const IMPORT_ONLY = "--no-experimental-require-module";

let compiled: WebAssembly.Module | undefined;

/** The engine, compiled once for the process. */
export function engineModule(): WebAssembly.Module {
  const file = fileURLToPath(new URL("../../build/core.wasm", import.meta.url));
  compiled ??= new WebAssembly.Module(readFileSync(file));
  return compiled;
}

export class Session {
  readonly #pool: Piscina;
  readonly #abort = new AbortController();
  /** Ends the listening to the caller's signal. */
  readonly #closed = new AbortController();
  readonly #onProgress: ((progress: Progress) => void) | undefined;
  /** What the caller's `onProgress` threw, or a worker besides its tasks. */
  #failure: { error: unknown } | undefined;
  #folder: Promise<string> | undefined;
  #files = 0;

  constructor(options: {
    /** The engine for the workers. */
    module: WebAssembly.Module;
    workers: number;
    signal?: AbortSignal | undefined;
    onProgress?: ((progress: Progress) => void) | undefined;
  }) {
    const { module, workers, signal, onProgress } = options;
    this.#onProgress = onProgress;
    if (signal?.aborted) this.#abort.abort();
    signal?.addEventListener("abort", () => this.#abort.abort(), { once: true, signal: this.#closed.signal });
    this.#pool = new Piscina({
      filename: fileURLToPath(new URL("./worker.js", import.meta.url)),
      minThreads: workers,
      maxThreads: workers,
      workerData: { module } satisfies WorkerData,
      execArgv: [IMPORT_ONLY],
    });
    // A worker that has no task, or none yet, failed.
    this.#pool.on("error", (error) => this.#fail(explained(error)));
  }

  /** Runs a task in a worker; `phase` is what its progress is called, nothing for a silent task. */
  async run<Name extends TaskName>(name: Name, task: Input<Name>, phase?: string): Promise<Output<Name>> {
    const progress = newProgress();
    const watch = phase === undefined ? undefined : this.watch(phase, [progress]);
    try {
      return await this.start(name, task, progress);
    } finally {
      watch?.stop();
    }
  }

  /**
   * Does `work` for parts of so many units each, `workers` of them at a time, and returns what it returns for
   * each; their progress is reported together.
   */
  async runParts<T>(
    phase: string,
    units: readonly number[],
    workers: number,
    work: (part: number, progress: SharedArrayBuffer) => Promise<T>,
  ): Promise<T[]> {
    const buffers = units.map((total) => newProgress(total));
    const watch = this.watch(phase, buffers);
    const results: T[] = [];
    let next = 0;
    const takeParts = async () => {
      while (next < units.length) {
        const part = next++;
        results[part] = await work(part, buffers[part] as SharedArrayBuffer);
      }
    };
    try {
      await Promise.all(Array.from({ length: workers }, takeParts));
      return results;
    } finally {
      watch.stop();
    }
  }

  /** Reports the progress of several tasks together until it is stopped. */
  watch(phase: string, progress: SharedArrayBuffer[]): { stop(): void } {
    if (this.#onProgress === undefined) return { stop: () => undefined };
    return watchProgress(phase, progress, this.#report);
  }

  /** Runs a task that stores its progress in `progress`; `signal` ends that task alone, and its worker. */
  async start<Name extends TaskName>(
    name: Name,
    task: Input<Name>,
    progress: SharedArrayBuffer,
    signal?: AbortSignal,
  ): Promise<Output<Name>> {
    try {
      const all = this.#abort.signal;
      const either = signal === undefined ? all : AbortSignal.any([all, signal]);
      const options = { name, signal: either };
      const result: Outcome<Output<Name>> = await this.#pool.run({ ...task, progress }, options);
      if ("error" in result) throw fromMessage(result.error);
      return result.value;
    } catch (error) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#abort.signal.aborted) throw new InterruptedError();
      throw explained(error);
    }
  }

  /** An exception in the caller's function ends the run instead of the process. */
  readonly #report = (progress: Progress): void => {
    try {
      this.#onProgress?.(progress);
    } catch (error) {
      this.#fail(error);
    }
  };

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#abort.abort();
  }

  /** A path in the run's temporary folder that nothing else has. */
  async temporary(name: string): Promise<string> {
    this.#folder ??= mkdtemp(join(tmpdir(), "clockhand-")).catch((error: NodeJS.ErrnoException) => {
      throw new UserError(
        `no temporary folder can be made in ${tmpdir()} (${error.code}); set TMPDIR to one that can be written`,
      );
    });
    return join(await this.#folder, `${this.#files++}-${name}`);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#pool.destroy();
    const folder = await this.#folder?.catch(() => undefined);
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}
