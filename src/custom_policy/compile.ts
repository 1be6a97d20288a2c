/**
 * A policy of the user's own: a file like `./my-policy.ts` with one class, compiled together with the engine
 * as the built-in policies are, so that it runs as fast.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { Worker } from "node:worker_threads";
import { checkDeclaration, listPolicies } from "../engine/policies.ts";
import { InterruptedError, UserError } from "../errors.ts";
import type { PolicyAbout } from "../types.ts";
import { keyOf, readCache, writeCache } from "./cache.ts";
import type { CompilerMessage, CompilerTask, Problem, Target } from "./compiler.ts";
import { engineSources, lineAndColumn, place, policySources, type Texts } from "./sources.ts";

export interface CompiledPolicy {
  /** The engine with fifo, opt and, last, this policy. */
  module: WebAssembly.Module;
  policy: PolicyAbout;
  file: string;
  /** Whether it was compiled before. */
  cached: boolean;
}

export interface CompileOptions {
  /** `debug` has the engine's assertions; default `release`. */
  target?: Target | undefined;
  /** For a modelled machine: the memory manager comes with it, which takes twice as long. Default false. */
  managed?: boolean | undefined;
  signal?: AbortSignal | undefined;
  /** Called when the policy is not in the cache and compiling begins. */
  onCompile?: (() => void) | undefined;
}

/** The file of `./my-policy.ts:param=value` and its parameters; undefined for a built-in policy's name. */
export function splitFileSpec(spec: string): { file: string; params: string } | undefined {
  const match = /^(.+?\.ts)(?::(.*))?$/s.exec(spec);
  return match === null ? undefined : { file: match[1] ?? "", params: match[2] ?? "" };
}

/** Compiles a policy's file, or takes it from the cache. */
export async function compilePolicy(file: string, options: CompileOptions = {}): Promise<CompiledPolicy> {
  const { target = "release", managed = false, signal, onCompile } = options;
  const policy = policySources(file);
  const { texts, options: config } = engineSources();
  const engine = managed ? texts : withoutManager(texts);
  const task: CompilerTask = { engine, options: config, policy, main: basename(file), target };
  const key = keyOf([ascVersion(), target, config, [...engine], [...policy]]);
  const kept = readCache(key);
  if (kept === undefined) onCompile?.();
  const wasm = kept ?? (await runCompiler(file, task, signal));
  if (kept === undefined) await writeCache(key, wasm);
  const module = new WebAssembly.Module(wasm);
  const about = listPolicies(module).at(-1) as PolicyAbout;
  return { module, policy: about, file, cached: kept !== undefined };
}

// --- internal ---

/** What the policy's own code may take when it is first asked for its declaration. */
const TRY_OUT_MS_MAX = 5000;

const ENGINE_INDEX = "assembly/index.ts";
const MANAGER_EXPORTS = /^export \{[^}]*\} from "\.\/mm\/[^"]+";\n/gm;

/** The engine's ABI without the memory manager's, so that it is not compiled. */
function withoutManager(engine: Texts): Texts {
  const index = engine.get(ENGINE_INDEX) ?? "";
  return new Map([...engine, [ENGINE_INDEX, index.replace(MANAGER_EXPORTS, "")]]);
}

function ascVersion(): string {
  const manifest = createRequire(import.meta.url).resolve("assemblyscript/package.json");
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}

async function runCompiler(
  file: string,
  task: CompilerTask,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  if (signal?.aborted) throw new InterruptedError();
  const worker = new Worker(new URL("./compiler.js", import.meta.url), {
    workerData: task,
    stdout: true,
    stderr: true,
  });
  let onAbort: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let printed = "";
  worker.stderr.on("data", (chunk: Buffer) => {
    printed += chunk;
  });
  try {
    const message = await new Promise<CompilerMessage>((resolve, reject) => {
      onAbort = () => reject(new InterruptedError());
      signal?.addEventListener("abort", onAbort, { once: true });
      worker.on("error", (error) => reject(crashed(file, `${error.name}: ${error.message}`)));
      worker.on("exit", () => reject(crashed(file, printed)));
      worker.on("message", (message: CompilerMessage) => {
        if (message.phase !== "compiled") resolve(message);
        else timer = setTimeout(() => reject(endless(file)), TRY_OUT_MS_MAX);
      });
    });
    if (message.phase === "failed") throw new UserError(inFile(file, task.policy, message.problem));
    if (message.phase === "compiled") throw new Error("the compiler's last message has no result");
    checkDeclarations(file, message.declarations, builtInNames(task.engine));
    return message.wasm;
  } finally {
    clearTimeout(timer);
    if (onAbort !== undefined) signal?.removeEventListener("abort", onAbort);
    await worker.terminate();
  }
}

/** `./my-policy.ts:12:5: Cannot find name 'foo'.` */
function inFile(file: string, texts: Texts, { message, place: where, more }: Problem): string {
  const others = more === 0 ? "" : ` (and ${more} more)`;
  if (where === undefined) return `${file}: ${message}${others}`;
  const at = lineAndColumn(texts.get(where.name) ?? "", where.position);
  return `${place(file, where.name)}:${at}: ${message}${others}`;
}

function checkDeclarations(file: string, declarations: string[], builtIn: (string | undefined)[]): void {
  const [text] = declarations;
  if (text === undefined) {
    throw new UserError(`${file}: registers no policy; end it with register<TheClass>();`);
  }
  if (declarations.length > 1) {
    throw new UserError(`${file}: registers ${declarations.length} policies; a file has one`);
  }
  const declaration = checkDeclaration(text);
  if ("problem" in declaration) throw new UserError(`${file}: about() ${declaration.problem}`);
  if (builtIn.includes(declaration.name)) {
    throw new UserError(`${file}: about() names it "${declaration.name}", as a built-in policy is named`);
  }
}

/** The names that the built-in policies declare, the first in each of their files. */
function builtInNames(engine: Texts): (string | undefined)[] {
  return [...engine]
    .filter(([path]) => path.startsWith("assembly/policies/"))
    .map(([, text]) => /"name": "([^"]+)"/.exec(text)?.[1]);
}

function endless(file: string): UserError {
  return new UserError(`${file}: about() or the file's top level does not come to an end`);
}

function crashed(file: string, printed: string): UserError {
  const reason = /\b\w*Error: .*/.exec(stripVTControlCharacters(printed))?.[0];
  const why = reason === undefined ? "" : ` (${reason})`;
  return new UserError(`${file}: the AssemblyScript compiler crashed on it${why}`);
}
