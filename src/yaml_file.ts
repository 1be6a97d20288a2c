/**
 * Files of users' own in YAML or JSON, which is YAML: read, checked against a schema, and refused with the
 * line and column of the mistake and what would be right there.
 */

import * as v from "valibot";
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
} from "yaml";
import { UserError } from "./errors.ts";
import { nearest } from "./nearest.ts";

type Key = string | number;

export interface YamlFile {
  value: unknown;
  /** `FILE:LINE:COLUMN` of what the keys lead to, or of as much of the way to it as there is. */
  locate(...keys: Key[]): string;
}

/** Takes the text apart; `what` is what such a file is, for messages: `a machine file`. */
export function readYaml(text: string, path: string, what: string): YamlFile {
  const lines = new LineCounter();
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  const document = notTooDeep(at(0), () =>
    parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: "error" }),
  );
  const [error] = document.errors;
  if (error?.code === "MULTIPLE_DOCS") {
    throw new UserError(`${at(error.pos[0])}: a second document begins; ${what} holds one`);
  }
  // The parser takes its own running out of stack for a mistake in the text.
  if (error?.message.startsWith("Maximum call stack")) throw tooDeep(at(error.pos[0]));
  if (error !== undefined) throw new UserError(`${at(error.pos[0])}: ${error.message.split("\n")[0]}`);
  return {
    value: notTooDeep(at(0), () => plainValue(document, at(0))),
    locate: (...keys) => at(offsetOf(document, keys)),
  };
}

/** Reading goes as deep as the file does, and a file can be made to go deeper than there is room. */
export function notTooDeep<T>(at: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw tooDeep(at);
  }
}

function tooDeep(at: string): UserError {
  return new UserError(`${at}: it is nested too deeply to be read`);
}

/** Aliases that unfold without end are refused by the parser. */
function plainValue(document: Document, at: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    throw new UserError(`${at}: ${error.message.split("\n")[0]}`);
  }
}

type AnySchema = v.GenericSchema<unknown, unknown>;

/** The file's value as the schema makes it; `wanted` is said of a file that has no keys at all. */
export function validated<Schema extends AnySchema>(
  { value, locate }: YamlFile,
  schema: Schema,
  wanted: string,
): v.InferOutput<Schema> {
  const parsed = notTooDeep(locate(), () => v.safeParse(schema, value));
  if (parsed.success) return parsed.output;
  // A misspelt key is both missing and unknown; the second says where it stands.
  const issue = parsed.issues.find(isUnknownKey) ?? parsed.issues[0];
  throw new UserError(`${locate(...keysOf(issue))}: ${explain(issue, schema, wanted)}`);
}

type Issue = v.BaseIssue<unknown>;

function isUnknownKey(issue: Issue): boolean {
  return issue.type === "strict_object" && issue.expected === "never";
}

function keysOf(issue: Issue): Key[] {
  return (issue.path ?? []).map(({ key }) => (typeof key === "number" ? key : String(key)));
}

function explain(issue: Issue, schema: AnySchema, wanted: string): string {
  const keys = keysOf(issue);
  if (keys.length === 0) return `expected ${wanted}`;
  const key = String(keys.at(-1) ?? "");
  const isMissing = issue.received === "undefined" && issue.expected === JSON.stringify(key);
  if (issue.type === "strict_object") {
    if (isUnknownKey(issue)) {
      const siblings = knownKeys(schema, keys.slice(0, -1));
      return `unknown key "${key}"${nearest(key, siblings)}; keys are ${siblings.join(", ")}`;
    }
    if (isMissing) return `"${key}" is missing`;
  }
  const place = `${keys.join(".")}: `;
  if (issue.type === "picklist") {
    return `${place}${issue.received} is none of ${issue.expected?.replaceAll(" | ", ", ")}`;
  }
  if (issue.type === "raw_transform") return `${place}${issue.message}`;
  if (issue.type === "strict_object" || issue.type === "record") {
    return `${place}expected keys with values, found ${issue.received}`;
  }
  if (issue.type === "array") return `${place}expected a list, found ${issue.received}`;
  return `${place}expected ${issue.expected ?? issue.message}, found ${issue.received}`;
}

/** The keys that the schema allows where `parents` lead to. */
function knownKeys(schema: AnySchema, parents: Key[]): string[] {
  let part: SchemaPart | undefined = bare(schema as SchemaPart);
  for (const key of parents) {
    const next: SchemaPart | undefined = part?.entries?.[key] ?? part?.item ?? part?.value;
    part = next === undefined ? undefined : bare(next);
  }
  return Object.keys(part?.entries ?? {});
}

/** What of a schema leads to the schemas of its parts. */
interface SchemaPart {
  kind?: string;
  entries?: Record<Key, SchemaPart>;
  item?: SchemaPart;
  value?: SchemaPart;
  wrapped?: SchemaPart;
  getter?: (input: unknown) => SchemaPart;
  pipe?: SchemaPart[];
}

/** Without what makes it optional, lazy, or short for something longer. */
function bare(part: SchemaPart): SchemaPart {
  if (part.wrapped !== undefined) return bare(part.wrapped);
  if (part.getter !== undefined) return bare(part.getter(undefined));
  const schemas = part.pipe?.slice(1).filter(({ kind }) => kind === "schema") ?? [];
  const last = schemas.at(-1);
  if (last !== undefined) return bare(last);
  const [first] = part.pipe ?? [];
  return first?.pipe === undefined ? part : bare(first);
}

function offsetOf(document: Document, keys: Key[]): number {
  const root = document.contents as Node | null;
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const key of keys) {
    if (isAlias(node)) node = node.resolve(document);
    if (isSeq(node)) {
      node = node.items[Number(key)];
      if (isNode(node)) offset = node.range?.[0] ?? offset;
      continue;
    }
    if (!isMap(node)) break;
    const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
    if (pair === undefined) break;
    if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
    node = pair.value;
  }
  return offset;
}
