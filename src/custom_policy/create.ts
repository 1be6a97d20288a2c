/** Writes a new policy's file from the template, never over one that is there. */

import { writeFileSync } from "node:fs";
import { POLICY_NAME } from "../engine/policies.ts";
import { UserError } from "../errors.ts";
import { templateOf } from "./template.ts";

/** Returns the file that it has written: `output`, or `./NAME.ts`. */
export function createPolicy(name: string, builtIn: string[], output = `./${name}.ts`): string {
  if (!POLICY_NAME.test(name)) {
    const better = name
      .toLowerCase()
      .replace(/\.ts$/, "")
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-+|-+$/g, "");
    const hint = better === "" ? "" : `, like "${better}"`;
    throw new UserError(
      `"${name}" is no name for a policy; names have lower-case letters, digits and hyphens${hint}`,
    );
  }
  if (builtIn.includes(name)) {
    throw new UserError(`there is a built-in policy "${name}"; give yours another name`);
  }
  if (!output.endsWith(".ts") || output.endsWith(".d.ts")) {
    throw new UserError(`--output: ${output} must end in .ts to be used as a policy`);
  }
  try {
    writeFileSync(output, templateOf(name), { flag: "wx" });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reasons: Record<string, string> = {
      EEXIST: "exists, and is not overwritten; name another with -o",
      ENOENT: "the folder does not exist",
      ENOTDIR: "the folder does not exist",
      EACCES: "no permission to write there",
      EROFS: "no permission to write there",
    };
    throw new UserError(`${output}: ${reasons[code ?? ""] ?? message}`);
  }
  return output;
}
