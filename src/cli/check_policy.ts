/** `clockhand check-policy` */

import { Command } from "commander";
import { EXIT } from "../errors.ts";
import { interruptible } from "./interrupt.ts";
import { progressBar } from "./progress_bar.ts";

const EXAMPLES = `
Without parameters, the defaults and each parameter at its limits are checked.

Examples:
  $ clockhand check-policy ./my-policy.ts
  $ clockhand check-policy ./my-policy.ts:chances=3 --json
`;

export function checkPolicyCommand(): Command {
  return new Command("check-policy")
    .description("look for mistakes in a replacement policy of your own")
    .argument("<file[:param=value,...]>", "the policy's file")
    .option("--json", "print one JSON document instead of a table")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(policy: string, { json }: { json?: boolean }): Promise<void> {
  const { checkPolicy } = await import("../custom_policy/check/index.ts");
  const { PAGES_UNKNOWN_MAX } = await import("../run/limits.ts");
  const { compiling } = await import("../run/policy.ts");
  const { renderCheck } = await import("../report/check_policy_text.ts");
  const bar = progressBar();
  const interrupt = interruptible();
  try {
    const { signal } = interrupt;
    const onCompile = () => bar.update(compiling(policy));
    const report = await checkPolicy(policy, { pages: PAGES_UNKNOWN_MAX, signal, onCompile });
    bar.stop();
    process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : renderCheck(report));
    if (!report.passed) process.exitCode = EXIT.user;
  } finally {
    bar.stop();
    interrupt.stop();
  }
}
