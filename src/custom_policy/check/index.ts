/**
 * `check-policy`: runs a policy of the user's own through what must hold for every policy, and ends one that
 * does not end by itself.
 */

import { Worker } from "node:worker_threads";
import { choosePolicy, listPolicies } from "../../engine/policies.ts";
import { InterruptedError, UserError } from "../../errors.ts";
import type { ParameterAbout } from "../../types.ts";
import { type CompiledPolicy, compilePolicy, splitFileSpec } from "../compile.ts";
import { BEAT, type CheckerData, type CheckerMessage, POSITION } from "./checker.ts";
import { CHECKS, type Finding, type Subject, type Variant } from "./checks.ts";

/** What `check-policy --json` prints. */
export interface CheckReport {
  command: "check-policy";
  /** `params` are the choices of parameters that were checked, as a user would write them. */
  policy: { name: string; file: string; params: string[] };
  checks: { name: string; asks: string; result: Finding["result"] | "skipped"; detail: string }[];
  passed: boolean;
}

export interface CheckOptions {
  /** For how many pages a replay reserves room when it has not counted them. */
  pages: number;
  /** How long a policy may be without making any progress. */
  patienceMs?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Called when the policy is not in the cache and compiling begins. */
  onCompile?: (() => void) | undefined;
}

const PATIENCE_MS = 5000;
const LOOK_MS = 50;
/** Integers beyond are not tried: they may be the size of something. */
const INTEGER_TRIED_MAX = 65_536;

/** Checks `./my-policy.ts` with its defaults and each parameter at its limits, or with those given. */
export async function checkPolicy(spec: string, options: CheckOptions): Promise<CheckReport> {
  const split = splitFileSpec(spec);
  if (split === undefined) {
    throw new UserError(`"${spec}" is no policy of your own; name its file, like ./my-policy.ts`);
  }
  const { file, params } = split;
  const { signal, onCompile } = options;
  const [release, debug] = await Promise.all([
    compilePolicy(file, { signal, onCompile }),
    compilePolicy(file, { target: "debug", signal }),
  ]);
  const variants = variantsOf(release, params);
  const policies = listPolicies(release.module);
  const subject: Subject = {
    release: release.module,
    debug: debug.module,
    variants,
    opt: choosePolicy("opt", policies),
    fifo: choosePolicy("fifo", policies),
    pages: options.pages,
  };
  const findings = await runChecks(subject, options);
  const checks = CHECKS.map(({ name, asks }, index) => {
    return { name, asks, ...(findings[index] ?? { result: "skipped" as const, detail: "" }) };
  });
  return {
    command: "check-policy",
    policy: { name: release.policy.name, file, params: variants.map(({ title }) => title) },
    checks,
    passed: checks.every(({ result }) => result === "pass" || result === "warn"),
  };
}

// --- internal ---

function variantsOf({ module, policy }: CompiledPolicy, params: string): Variant[] {
  const policies = listPolicies(module);
  const variant = (title: string): Variant => {
    return { title, policy: choosePolicy(title === "" ? policy.name : `${policy.name}:${title}`, policies) };
  };
  if (params !== "") return [variant(params)];
  const changed = policy.parameters.flatMap((parameter) => {
    const others = valuesOf(parameter).filter((value) => value !== String(parameter.default));
    return others.map((value) => `${parameter.name}=${value}`);
  });
  return ["", ...new Set(changed)].map(variant);
}

/** A parameter's limits and choices. */
function valuesOf({ type, default: value, min, max, choices = [] }: ParameterAbout): string[] {
  if (type === "choice") return choices;
  if (type === "share") return [`${min ?? 0}%`, `${max ?? 100}%`, ...choices];
  const integers = [min ?? 0, Number(value) + 1, max ?? INTEGER_TRIED_MAX];
  const fits = (integer: number) => integer <= Math.min(max ?? INTEGER_TRIED_MAX, INTEGER_TRIED_MAX);
  return integers.filter(fits).map(String);
}

/** The findings of the checks that ran, in their order. */
async function runChecks(
  subject: Subject,
  { patienceMs = PATIENCE_MS, signal }: CheckOptions,
): Promise<Finding[]> {
  if (signal?.aborted) throw new InterruptedError();
  const pulse = new SharedArrayBuffer(8);
  const numbers = new Int32Array(pulse);
  const worker = new Worker(new URL("./checker.js", import.meta.url), {
    workerData: { subject, pulse } satisfies CheckerData,
  });
  const findings: Finding[] = [];
  let at = "";
  let onAbort: (() => void) | undefined;
  let look: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      onAbort = () => reject(new InterruptedError());
      signal?.addEventListener("abort", onAbort, { once: true });
      worker.on("error", reject);
      worker.on("exit", () => resolve());
      worker.on("message", (message: CheckerMessage) => {
        if ("at" in message) at = message.at;
        else findings.push(message.finding);
      });
      worker.on("online", () => {
        let beats = 0;
        let since = performance.now();
        look = setInterval(() => {
          const now = Atomics.load(numbers, BEAT);
          if (now !== beats) {
            beats = now;
            since = performance.now();
          } else if (beats > 0 && performance.now() - since > patienceMs) {
            const position = Atomics.load(numbers, POSITION);
            const where = position < 0 ? at : `${at}, reference ${position}`;
            const detail = `${where}: does not come to an end; ended after ${patienceMs / 1000} s`;
            findings.push({ result: "fail", detail });
            resolve();
          }
        }, LOOK_MS);
      });
    });
    return findings;
  } finally {
    clearInterval(look);
    if (onAbort !== undefined) signal?.removeEventListener("abort", onAbort);
    await worker.terminate();
  }
}
