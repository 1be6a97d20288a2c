/** `NAME:key=value,key=value`, in which policies and trace formats take their parameters. */

import { UserError } from "./errors.ts";

export interface SpecOptions {
  /** Whether a value can be a list: `key=one,two,other=three`. */
  lists?: boolean;
}

/** The name, and the values given by their keys. `what` is what the text names, for messages: "policy". */
export function parseSpec(
  spec: string,
  what: string,
  { lists = false }: SpecOptions = {},
): { name: string; given: Map<string, string> } {
  const [name = "", ...rest] = spec.split(":");
  const given = new Map<string, string>();
  const text = rest.join(":");
  if (text === "") return { name, given };
  let last: string | undefined;
  for (const assignment of text.split(",")) {
    if (lists && last !== undefined && assignment !== "" && !assignment.includes("=")) {
      given.set(last, `${given.get(last)},${assignment}`);
      continue;
    }
    const [key = "", value, ...more] = assignment.split("=");
    if (key === "" || value === undefined || value === "" || more.length > 0 || given.has(key)) {
      throw new UserError(
        `${what} "${spec}": "${assignment}" is not one param=value; write NAME:param=value,param=value`,
      );
    }
    given.set(key, value);
    last = key;
  }
  return { name, given };
}
