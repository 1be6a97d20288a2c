/** What `check-policy` found, for people to read. */

import { formatCountOf } from "../units.ts";
import { renderTable } from "./table.ts";

const RESULTS = { pass: "pass", warn: "look", fail: "FAIL", skipped: "-" } as const;

export function renderCheck(report: {
  policy: { name: string; file: string; params: string[] };
  checks: { name: string; asks: string; result: keyof typeof RESULTS; detail: string }[];
  passed: boolean;
}): string {
  const { policy, checks, passed } = report;
  const tried = policy.params.filter((params) => params !== "");
  const rows = checks.map(({ name, result, asks, detail }) => {
    const found = result === "pass" && detail !== "" ? ` (${detail})` : "";
    return [name, RESULTS[result], `${asks}${found}`];
  });
  const table = renderTable(["check", "", "asks whether"], rows, { textColumns: [1, 2] });
  const told = checks.filter(({ result }) => result === "fail" || result === "warn");
  const stories = told.map(({ name, result, detail }) => `${RESULTS[result]}  ${name}: ${detail}`);
  const failed = checks.filter(({ result }) => result === "fail").length;
  const verdict = passed ? "All checks passed." : `${formatCountOf(failed, "check")} failed.`;
  return [
    `policy  ${policy.name} (${policy.file})${tried.length === 0 ? "" : `; also with ${tried.join(", ")}`}`,
    "",
    table,
    "",
    ...stories,
    ...(stories.length === 0 ? [] : [""]),
    verdict,
    "",
  ].join("\n");
}
