/** `NAME:key=value,key=value`, in which policies and trace formats take their parameters. */

import { UserError } from "./errors.ts";

/** The name, and the values given by their keys. `what` is what the text names, for messages: "policy". */
export function parseSpec(spec: string, what: string): { name: string; given: Map<string, string> } {
  const [name = "", ...rest] = spec.split(":");
  const given = new Map<string, string>();
  const text = rest.join(":");
  if (text === "") return { name, given };
  for (const assignment of text.split(",")) {
    const [key = "", value, ...more] = assignment.split("=");
    if (key === "" || value === undefined || value === "" || more.length > 0 || given.has(key)) {
      throw new UserError(
        `${what} "${spec}": "${assignment}" is not one param=value; write NAME:param=value,param=value`,
      );
    }
    given.set(key, value);
  }
  return { name, given };
}
