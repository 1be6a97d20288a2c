/** Reads a machine from YAML or JSON text, with errors that name file, line and column. */

import { readYaml, validated } from "../yaml_file.ts";
import { type Machine, MachineFile, toMachine } from "./machine.ts";

/** Parses the text of a machine file; JSON is YAML, so one parser reads both. */
export function parseMachine(text: string, path: string): Machine {
  const file = readYaml(text, path, "a machine file");
  const wanted = "a machine: keys with values, such as name, paging and tlb";
  return toMachine(validated(file, MachineFile, wanted), file.locate);
}
