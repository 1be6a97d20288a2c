/** The lists of policies, formats and machines for people to read. */

import type { FormatAbout, PolicyAbout } from "../types.ts";

export function renderPolicies(policies: PolicyAbout[]): string {
  const blocks = policies.map(({ name, summary, paper, parameters }) => {
    const lines = [`${name}`, `    ${summary}.`, `    ${paper}`];
    for (const { name: parameter, type, default: value, choices, min, max, summary: about } of parameters) {
      const unit = type === "share" ? "%" : "";
      const limits = type === "choice" ? [] : [`${min}${unit} to ${max}${unit}`];
      const range = [...limits, ...(choices ?? [])].join(" | ");
      lines.push(`    ${parameter}=${value}  (${range}) ${about}`);
    }
    return lines.join("\n");
  });
  return `${blocks.join("\n\n")}\n`;
}

export function renderFormats(formats: FormatAbout[]): string {
  const blocks = formats.map(({ name, summary, source, parameters }) =>
    [
      name,
      `    ${summary}.`,
      `    ${source}`,
      ...parameters.map(
        ({ name: parameter, default: value, summary: about }) => `    ${parameter}=${value}  ${about}`,
      ),
    ].join("\n"),
  );
  return `${blocks.join("\n\n")}\n`;
}

export interface MachineRow {
  name: string;
  summary: string;
  source: string;
  paging: string;
  tlb: Record<string, string>;
}

export function renderMachines(machines: MachineRow[]): string {
  const blocks = machines.map(({ name, summary, source, paging, tlb }) =>
    [
      name,
      `    ${summary}.`,
      `    ${source}`,
      `    paging ${paging}`,
      ...Object.entries(tlb).map(([size, text]) => `    ${size}: ${text}`),
    ].join("\n"),
  );
  return `${blocks.join("\n\n")}\n`;
}
