/** Reads a machine from YAML or JSON text, with errors that name file, line and column. */

import * as v from "valibot";
import { isNode, LineCounter, parseDocument } from "yaml";
import { UserError } from "../errors.ts";
import { type Machine, MachineFile, toMachine } from "./machine.ts";

/** Parses the text of a machine file; JSON is YAML, so one parser reads both. */
export function parseMachine(text: string, path: string): Machine {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  const [error] = document.errors;
  if (error !== undefined) throw new UserError(`${at(error.pos[0])}: ${firstLine(error.message)}`);

  const parsed = v.safeParse(MachineFile, document.toJS({ maxAliasCount: 100 }));
  if (parsed.success) return toMachine(parsed.output, path);
  const [issue] = parsed.issues;
  const keys = (issue.path ?? []).map((item) => item.key as string | number);
  throw new UserError(`${at(offsetOf(keys))}: ${[...keys].join(".") || "machine"}: ${issue.message}`);

  function offsetOf(path: (string | number)[]): number {
    for (let depth = path.length; depth >= 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true);
      if (isNode(node) && node.range) return node.range[0];
    }
    return 0;
  }
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? text;
}
