/** Reads a scenario from YAML or JSON text, with errors that name file, line and column. */

import { notTooDeep, readYaml, validated } from "../yaml_file.ts";
import { checkScenario } from "./check.ts";
import { type Scenario, ScenarioFile } from "./scenario.ts";

export function parseScenario(text: string, path: string): Scenario {
  const file = readYaml(text, path, "a scenario");
  const scenario = validated(file, ScenarioFile, "a scenario: keys with values, such as name and processes");
  notTooDeep(`${path}:1:1`, () => checkScenario(scenario, file.locate));
  return scenario;
}
