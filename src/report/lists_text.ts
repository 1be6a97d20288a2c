/** The lists of policies, formats, machines and patterns for people to read. */

import type { FormatAbout, ParameterAbout, PatternAbout, PolicyAbout } from "../types.ts";

export function renderPolicies(policies: PolicyAbout[]): string {
  return blocksOf(policies.map(({ paper, ...policy }) => ({ ...policy, source: paper })));
}

export function renderPatterns(patterns: PatternAbout[]): string {
  return blocksOf(patterns);
}

function blocksOf(items: PatternAbout[]): string {
  const blocks = items.map(({ name, summary, source, parameters }) =>
    [name, `    ${summary}.`, `    ${source}`, ...parameters.map(parameterLine)].join("\n"),
  );
  return `${blocks.join("\n\n")}\n`;
}

function parameterLine({ name, type, default: value, choices, min = 0, max, most, summary }: ParameterAbout) {
  const unit = type === "share" ? "%" : "";
  const end = most ?? `${max ?? (type === "share" ? 100 : 0xffffffff)}${unit}`;
  const isNumber = type !== "choice" && type !== "file";
  const range = [...(isNumber ? [`${min}${unit} to ${end}`] : []), ...(choices ?? [])].join(" | ");
  return `    ${name}=${value}  (${type === "file" ? "FILE" : range}) ${summary}`;
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
