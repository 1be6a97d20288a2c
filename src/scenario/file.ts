/** Reads a scenario from YAML or JSON text, with errors that name file, line and column. */

import { UserError } from "../errors.ts";
import { notTooDeep, readYaml, validated, type YamlFile } from "../yaml_file.ts";
import { checkScenario } from "./check.ts";
import { type Scenario, ScenarioFile } from "./scenario.ts";
import { NOT_MODELLED } from "./sysctl.ts";

/** A real computer in a scenario's words: its machine, swap space in bytes, and settings. */
export interface LikeHost {
  machine: Record<string, unknown>;
  swap: number;
  sysctl: Record<string, unknown>;
}

export interface ParseOptions {
  /** The machine is like this, whatever the scenario says. */
  isHost?: boolean;
  /** Asked where that is so, and where a scenario's machine is `host`. */
  host?: () => LikeHost;
}

export function parseScenario(text: string, path: string, options: ParseOptions = {}): Scenario {
  const file = readYaml(text, path, "a scenario");
  refuseSettings(file);
  const value = likeHost(file.value, options);
  const scenario = validated(
    { ...file, value },
    ScenarioFile,
    "a scenario: keys with values, such as name and processes",
  );
  notTooDeep(`${path}:1:1`, () => checkScenario(scenario, file.locate));
  return scenario;
}

// --- internal ---

function refuseSettings({ value, locate }: YamlFile): void {
  const { sysctl } = isKeyed(value) ? value : {};
  if (!isKeyed(sysctl)) return;
  for (const [name, what] of Object.entries(NOT_MODELLED)) {
    if (name in sysctl) {
      throw new UserError(
        `${locate("sysctl", name)}: ${name} is not modelled: there is no ${what}; leave it out`,
      );
    }
  }
}

/** The host's machine in place of the scenario's, whose devices and own settings stay. */
function likeHost(value: unknown, { isHost = false, host }: ParseOptions): unknown {
  if (!isKeyed(value) || host === undefined) return value;
  const { machine, sysctl } = value;
  if (!isHost && machine !== "host") return value;
  const known = host();
  const { disk = "ssd", swap } = isKeyed(machine) ? machine : {};
  return {
    ...value,
    machine: { ...known.machine, disk, swap: { ...(isKeyed(swap) ? swap : {}), size: known.swap } },
    sysctl: sysctl === undefined || isKeyed(sysctl) ? { ...known.sysctl, ...sysctl } : sysctl,
  };
}

function isKeyed(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
