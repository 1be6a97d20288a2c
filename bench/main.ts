/**
 * `npm run bench -- [--quick] [--only NAME]`: measures, prints, and writes RESULTS.md.
 * `--quick` does a tenth of the work, to see that the benchmarks run; its numbers mean little.
 */

import { parseArgs } from "node:util";
import { machineLines } from "./lib/machine.ts";
import { sectionText, writeResults } from "./lib/results.ts";
import type { Section } from "./lib/section.ts";
import { endToEnd } from "./sections/end_to_end.ts";
import { formats } from "./sections/formats.ts";
import { lab } from "./sections/lab.ts";
import { lackey } from "./sections/lackey.ts";
import { large } from "./sections/large.ts";
import { memory } from "./sections/memory.ts";
import { mmPhysical } from "./sections/mm_physical.ts";
import { mmu } from "./sections/mmu.ts";
import { policies } from "./sections/policies.ts";
import { slab } from "./sections/slab.ts";

const SECTIONS: Record<string, (quick: boolean) => Promise<Section>> = {
  policies,
  mmu,
  lackey,
  "end-to-end": endToEnd,
  formats,
  memory,
  large,
  lab,
  slab,
  "mm-physical": mmPhysical,
};

const { values } = parseArgs({
  options: { quick: { type: "boolean", default: false }, only: { type: "string" } },
});
const { quick, only } = values;
const names = Object.keys(SECTIONS);
if (only !== undefined && !names.includes(only)) {
  throw new Error(`no section ${only}; sections are ${names.join(", ")}`);
}

const machine = machineLines();
const command = ["npm run bench --", ...process.argv.slice(2)].join(" ").replace(/ --$/, "");
process.stdout.write(`${machine.join("\n")}\n\n`);
const texts = new Map<string, string>();
for (const [name, measureSection] of Object.entries(SECTIONS)) {
  if (only !== undefined && only !== name) continue;
  const section = await measureSection(quick);
  const date = new Date().toISOString().slice(0, 16).replace("T", " ");
  const text = sectionText(
    section,
    `Measured ${date} UTC by \`${command}\`.${quick ? " A tenth of the work: no numbers to judge by." : ""}`,
  );
  process.stdout.write(`${text}\n`);
  texts.set(name, text);
  writeResults(machine, texts, names);
}
