/** `clockhand new-policy` */

import { Command } from "commander";

export function newPolicyCommand(): Command {
  return new Command("new-policy")
    .description("write a replacement policy of your own to start from")
    .argument("<name>", "its name: lower-case letters, digits and hyphens")
    .option("-o, --output <file>", "where to write it (default: ./NAME.ts)")
    .addHelpText("after", "\nExample:\n  $ clockhand new-policy my-policy\n")
    .action(run);
}

async function run(name: string, { output }: { output?: string }): Promise<void> {
  const { createPolicy } = await import("../custom_policy/create.ts");
  const { listPolicies } = await import("../run/lists.ts");
  const builtIn = listPolicies().map((policy) => policy.name);
  const file = createPolicy(name, builtIn, output);
  process.stdout.write(
    `${file} has a policy that works. Change it, and then:\n` +
      `  clockhand check-policy ${file}\n` +
      `  clockhand replay TRACE --policy ${file}\n`,
  );
}
