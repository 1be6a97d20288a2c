/** Reads a machine from YAML or JSON text, with errors that name file, line and column. */

import * as v from "valibot";
import { isMap, isNode, isScalar, LineCounter, type Node, parseDocument } from "yaml";
import { UserError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { type Machine, MachineFile, toMachine } from "./machine.ts";

/** Parses the text of a machine file; JSON is YAML, so one parser reads both. */
export function parseMachine(text: string, path: string): Machine {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  const locate = (...keys: string[]): string => at(offsetOf(document.contents, keys));

  const [error] = document.errors;
  if (error?.code === "MULTIPLE_DOCS") {
    throw new UserError(`${at(error.pos[0])}: a second document begins; a machine file holds one`);
  }
  if (error !== undefined) throw new UserError(`${at(error.pos[0])}: ${error.message.split("\n")[0]}`);
  const parsed = v.safeParse(MachineFile, document.toJS({ maxAliasCount: 100 }));
  if (parsed.success) return toMachine(parsed.output, locate);
  // A misspelt key is both missing and unknown; the second says where it stands.
  const issue = parsed.issues.find(isUnknownKey) ?? parsed.issues[0];
  throw new UserError(`${locate(...keysOf(issue))}: ${explain(issue)}`);
}

type Issue = v.InferIssue<typeof MachineFile>;

function isUnknownKey(issue: Issue): boolean {
  return issue.type === "strict_object" && issue.expected === "never";
}

function keysOf(issue: Issue): string[] {
  return (issue.path ?? []).map(({ key }) => String(key));
}

function explain(issue: Issue): string {
  const keys = keysOf(issue);
  const key = keys.at(-1) ?? "";
  if (issue.type === "strict_object" && issue.path !== undefined) {
    const siblings = knownKeys(keys.slice(0, -1));
    if (isUnknownKey(issue)) {
      return `unknown key "${key}"${nearest(key, siblings)}; keys are ${siblings.join(", ")}`;
    }
    if (issue.received === "undefined") return `"${key}" is missing`;
  }
  if (issue.type === "picklist") {
    return `${keys.join(".")}: ${issue.received} is none of ${issue.expected.replaceAll(" | ", ", ")}`;
  }
  if (keys.length === 0) return "expected a machine: keys with values, such as name, paging and tlb";
  return `${keys.join(".")}: expected ${issue.expected ?? issue.message}, found ${issue.received}`;
}

/** The keys that may stand where `parents` lead to. */
function knownKeys(parents: string[]): string[] {
  const { entries } = MachineFile;
  if (parents[0] === "tlb") return Object.keys(entries.tlb.entries);
  if (parents[0] === "walk_caches") return Object.keys(entries.walk_caches.wrapped.entries);
  return Object.keys(entries);
}

/** Where the last of `keys` stands in the document, or as much of the way to it as there is. */
function offsetOf(root: Node | null, keys: string[]): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const key of keys) {
    if (!isMap(node)) break;
    const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
    if (pair === undefined) break;
    if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
    node = pair.value;
  }
  return offset;
}
