/* Scenarios that tests write: as files in a folder of their own, which is gone when the tests are. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { type SystemOptions, system } from "../../src/run/system.ts";
import type { SystemReport } from "../../src/types.ts";

export const FOLDER = mkdtempSync(join(tmpdir(), "clockhand-scenarios-"));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

let written = 0;

/** The path of a scenario with this text. */
export function scenarioFile(text: string): string {
  const path = join(FOLDER, `scenario-${written++}.yaml`);
  writeFileSync(path, text);
  return path;
}

export function runScenario(
  text: string,
  options: Omit<SystemOptions, "scenario"> = {},
): Promise<SystemReport> {
  return system({ ...options, scenario: scenarioFile(text) });
}

/** What is the same whenever a scenario is run. */
export function lasting({ performance: _, scenario: { path: __, ...scenario }, ...report }: SystemReport) {
  return { ...report, scenario };
}

/** Swaps in and out for some tens of milliseconds, with a child and a file. */
export const BUSY = `
name: busy
machine: { memory: 64MiB, swap: 128MiB }
files: { data.bin: 8MiB }
processes:
  - name: parent
    calls:
      - mmap: { size: 20MiB, as: area }
      - touch: { area: area, write: true, times: 2 }
      - fork:
          name: child
          calls:
            - touch: { area: area, write: true, pages: 1000 }
      - read: data.bin
      - write: { file: data.bin, size: 1MiB }
      - wait: child
  - name: reader
    calls:
      - mmap: { size: 24MiB, as: buffer }
      - touch: { area: buffer, write: true, times: 3, random: true }
      - sleep: 20ms
      - touch: { area: buffer, times: 2 }
`;
