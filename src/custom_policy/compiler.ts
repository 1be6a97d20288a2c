/**
 * Runs the AssemblyScript compiler, in a thread of its own: it can be stopped there, and when it crashes it
 * ends the thread and not the process.
 *
 * What it compiles lies in a file system of texts:
 *
 *     main.ts                            the engine's ABI, and then the user's policy
 *     assembly/..., asconfig.json        the engine, and how it is compiled
 *     policy/...                         the user's file and what it imports
 *     node_modules/clockhand/policy.ts   what it finds under "clockhand/policy"
 */

import { parentPort, workerData } from "node:worker_threads";
import type { DiagnosticMessage, Transform } from "assemblyscript/asc";
import { instantiateCore } from "../engine/core.ts";
import { POLICY_FOLDER } from "../engine/engine.ts";
import { API, type Texts } from "./sources.ts";

export type Target = "release" | "debug";

export interface CompilerTask {
  /** The engine's, by path. */
  engine: Texts;
  /** asconfig.json. */
  options: string;
  /** The policy's, by path from its folder. */
  policy: Texts;
  /** The policy's own file among them. */
  main: string;
  target: Target;
}

/** Where in the user's files something is wrong. */
export interface Place {
  /** A path from the policy's folder. */
  name: string;
  /** Characters before it. */
  position: number;
}

export interface Problem {
  message: string;
  place?: Place | undefined;
  /** Problems beside this one. */
  more: number;
}

/** The declarations are those of the policies that the user's file has registered. */
export type CompilerMessage =
  | { phase: "compiled" }
  | { phase: "done"; wasm: Uint8Array<ArrayBuffer>; declarations: string[] }
  | { phase: "failed"; problem: Problem };

const MAIN = "main.ts";
const REGISTRY = "assembly/policies/index.ts";
/** Each policy takes a quarter of a second to compile; only these come with the user's, to check it by. */
const COMPANIONS = 'import "./fifo";\nimport "./opt";\n';
const OUTPUT = "policy.wasm";

function mainText(policy: string): string {
  return `
    export * from "./assembly/index";
    export { frameEntry } from "./assembly/core/frames";
    export { refusedEmptyVictim, refusedVictim } from "./assembly/core/guard";
    import { policyCount } from "./assembly/core/registry";
    const BUILT_IN: u32 = policyCount();
    export function builtInCount(): u32 { return BUILT_IN; }
    import ${JSON.stringify(`./${POLICY_FOLDER}/${policy.replace(/\.ts$/, "")}`)};
  `;
}

async function compile(task: CompilerTask): Promise<CompilerMessage> {
  const { main, createMemoryStream } = await import("assemblyscript/asc");
  const files: Texts = new Map([
    ["asconfig.json", configOf(task)],
    [MAIN, mainText(task.main)],
    [`node_modules/${API}.ts`, 'export * from "../../assembly/policy_api";'],
    ...task.engine,
    [REGISTRY, COMPANIONS],
    ...[...task.policy].map(([name, text]) => [`${POLICY_FOLDER}/${name}`, text] as const),
  ]);
  const diagnostics: DiagnosticMessage[] = [];
  const allocators = new AllocatorSearch();
  let wasm: Uint8Array<ArrayBuffer> | undefined;
  const { error } = await main(["--outFile", OUTPUT], {
    readFile: (name) => files.get(name.replaceAll("\\", "/")) ?? null,
    writeFile: (name, contents) => {
      if (name === OUTPUT) wasm = new Uint8Array(contents as Uint8Array);
    },
    listFiles: () => null,
    reportDiagnostic: (diagnostic) => diagnostics.push(diagnostic),
    stdout: createMemoryStream(),
    stderr: createMemoryStream(),
    transforms: [allocators as unknown as Transform],
  });
  if (allocators.users !== undefined) return failed(allocationProblem(allocators.users));
  const errors = diagnostics.filter(({ category }) => category === CATEGORY_ERROR);
  if (errors.length > 0) return failed(diagnosed(errors));
  if (error !== null || wasm === undefined) return failed(`cannot be compiled: ${error?.message}`);
  return tryOut(wasm);
}

/** The project's asconfig.json for one target, with the guard of assembly/core/guard.ts. */
function configOf({ options, target }: CompilerTask): string {
  const { options: common, targets } = JSON.parse(options);
  const { outFile: _, textFile: __, ...ofTarget } = targets[target];
  const { bindings: ___, ...others } = common;
  return JSON.stringify({
    entries: [MAIN],
    options: { ...others, ...ofTarget, use: ["CUSTOM_POLICY=1"] },
  });
}

/** The category of diagnostics that are errors, in asc's numbering. */
const CATEGORY_ERROR = 3;

/** The first error in the user's own files, or the first of all. */
function diagnosed(errors: DiagnosticMessage[]): Problem {
  const prefix = `${POLICY_FOLDER}/`;
  const more = errors.length - 1;
  for (const { message, range, relatedRange } of errors) {
    for (const where of [range, relatedRange]) {
      const path = where?.source?.normalizedPath ?? "";
      if (where !== null && path.startsWith(prefix)) {
        const place = { name: path.slice(prefix.length), position: where.start };
        return { message: inUsersTerms(message), place, more };
      }
    }
  }
  return { message: inUsersTerms(errors[0]?.message ?? ""), more };
}

/** A message without the paths that only the compiler sees. */
function inUsersTerms(message: string): string {
  return message
    .replace(/^User-defined: "(.*)"$/, "$1")
    .replace(/'(?:policy|assembly)\/(?:[^']*\/)?([^'/]+)'/g, "'$1'")
    .replaceAll("~lib/clockhand/", "clockhand/")
    .replace(/\.$/, "");
}

const ALLOCATOR = /^~lib\/rt\/(stub\/__(new|alloc|renew|realloc)|__newBuffer|__newArray)$/;

/**
 * Looks for functions of the user's that allocate memory: what the engine reserves lies where the stub
 * runtime would allocate, and nothing would ever be freed.
 */
class AllocatorSearch {
  users: string[] | undefined;

  afterCompile(module: { emitText(): string }): void {
    const text = module.emitText();
    const calls = new Map<string, string[]>();
    for (const body of text.split(/^ \(func \$/m).slice(1)) {
      const name = /^[^\s)]+/.exec(body)?.[0] ?? "";
      calls.set(
        name,
        [...body.matchAll(/\(call \$([^\s)]+)/g)].map((match) => match[1] ?? ""),
      );
    }
    if (![...calls.keys()].some((name) => ALLOCATOR.test(name))) return;
    const own = `${POLICY_FOLDER}/`;
    const allocates = (name: string, seen: Set<string>): boolean => {
      if (ALLOCATOR.test(name)) return true;
      if (seen.has(name)) return false;
      seen.add(name);
      return (calls.get(name) ?? []).some((callee) => !callee.startsWith(own) && allocates(callee, seen));
    };
    this.users = [...calls.keys()].filter((name) => {
      return (name.startsWith(own) || name.startsWith(`start:${own}`)) && allocates(name, new Set());
    });
    throw new Error("the policy allocates memory");
  }
}

function allocationProblem(functions: string[]): string {
  const names = functions.map((name) => name.replace(/^.*\//, "").replace("#", "."));
  const where = names.length === 0 ? "" : `${names.join(", ")} `;
  return (
    `${where}allocates memory (new, [...], Map, or strings put together), which policies cannot: ` +
    "use reserveArray in init, and plain text in about()"
  );
}

/** Instantiates the engine and asks the policies for their declarations. */
function tryOut(wasm: Uint8Array<ArrayBuffer>): CompilerMessage {
  parentPort?.postMessage({ phase: "compiled" } satisfies CompilerMessage);
  const module = new WebAssembly.Module(wasm);
  const strange = WebAssembly.Module.imports(module).filter(
    ({ module, name }) => `${module}.${name}` !== "env.abort",
  );
  if (strange[0] !== undefined) {
    const { name } = strange[0];
    const what = name === "seed" ? "Math.random (rngAt draws numbers)" : name;
    return failed(`uses ${what}, which asks the world outside, and an engine has none`);
  }
  try {
    const core = instantiateCore(module);
    const builtIn = core.builtInCount?.() ?? 0;
    const declarations = Array.from({ length: core.policyCount() }, (_, index) => {
      return core.__getString(core.policyAbout(index));
    });
    return { phase: "done", wasm, declarations: declarations.slice(builtIn) };
  } catch (error) {
    return failed(`about() or the file's top level stops the engine: ${(error as Error).message}`);
  }
}

function failed(problem: string | Problem): CompilerMessage {
  return { phase: "failed", problem: typeof problem === "string" ? { message: problem, more: 0 } : problem };
}

parentPort?.postMessage(await compile(workerData as CompilerTask));
