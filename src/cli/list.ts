/** `clockhand list policies|formats|machines|patterns` */

import { Argument, Command } from "commander";

const LISTS = ["policies", "formats", "machines", "patterns"] as const;

export function listCommand(): Command {
  return new Command("list")
    .description("list policies, trace formats, machines or patterns")
    .addArgument(new Argument("<what>", "what to list").choices(LISTS))
    .option("--json", "print one JSON document instead of text")
    .addHelpText("after", "\nExamples:\n  $ clockhand list policies\n  $ clockhand list machines --json\n")
    .action(run);
}

async function run(what: (typeof LISTS)[number], { json }: { json?: boolean }): Promise<void> {
  const { listFormats, listPatterns, listPolicies } = await import("../run/lists.ts");
  const { listMachines } = await import("../machine/machine.ts");
  const text = await import("../report/lists_text.ts");
  const print = <T>(items: T, render: (items: T) => string): void => {
    const document = { command: "list", [what]: items };
    process.stdout.write(json ? `${JSON.stringify(document, null, 2)}\n` : render(items));
  };
  if (what === "policies") print(listPolicies(), text.renderPolicies);
  else if (what === "formats") print(listFormats(), text.renderFormats);
  else if (what === "patterns") print(listPatterns(), text.renderPatterns);
  else print(listMachines().map(machineRow), text.renderMachines);

  function machineRow(machine: ReturnType<typeof listMachines>[number]) {
    const { name, summary, source, paging, tlbs, walkCaches } = machine;
    const tlb = [...tlbs].map(([size, geometries]) => [
      size,
      geometries.map((tlb) => `${tlb.name}=${tlb.entries}/${tlb.ways}/${tlb.policy}`).join(","),
    ]);
    return { name, summary, source, paging, tlb: Object.fromEntries(tlb), walk_caches: walkCaches };
  }
}
