/** Valgrind: whether it is there, how to install it, and how it is told to trace. */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { UserError } from "../../errors.ts";
import { findProgram } from "./programs.ts";

/** By what /etc/os-release has for ID or ID_LIKE. */
const INSTALL: Record<string, string> = {
  debian: "apt-get install valgrind",
  ubuntu: "apt-get install valgrind",
  fedora: "dnf install valgrind",
  rhel: "dnf install valgrind",
  suse: "zypper install valgrind",
  opensuse: "zypper install valgrind",
  arch: "pacman -S valgrind",
  alpine: "apk add valgrind",
};

/** The path of Valgrind; throws what to do when there is none. */
export function findValgrind(): string {
  const path = findProgram("valgrind");
  if (path !== undefined) return path;
  throw new UserError(`Valgrind, which records, is not installed; ${howToInstall()}`);
}

/** As it names itself, `valgrind-3.19.0`. */
export function valgrindVersion(path: string): string {
  try {
    const said = execFileSync(path, ["--version"], { stdio: ["ignore", "pipe", "ignore"] });
    return said.toString("latin1").trim().slice(0, 100);
  } catch {
    return "valgrind";
  }
}

/** What makes Valgrind write the references of a program to `log`. */
export function lackeyArguments(log: string, children: boolean): string[] {
  return [
    "--tool=lackey",
    "--trace-mem=yes",
    "--basic-counts=no",
    "--vgdb=no",
    `--log-file=${log}`,
    ...(children ? ["--trace-children=yes"] : ["--trace-children=no", "--child-silent-after-fork=yes"]),
  ];
}

function howToInstall(): string {
  if (process.platform === "darwin") return '"brew install valgrind" installs it';
  const command = distributions()
    .map((name) => INSTALL[name])
    .find((known) => known !== undefined);
  if (command !== undefined) return `"${command}" installs it`;
  return "install the package valgrind, or see https://valgrind.org";
}

/** Of Linux: itself, and what it resembles. */
function distributions(): string[] {
  try {
    const text = readFileSync("/etc/os-release", "utf8");
    return ["ID", "ID_LIKE"].flatMap((key) =>
      (new RegExp(`^${key}="?([^"\n]*)`, "m").exec(text)?.[1] ?? "").split(" "),
    );
  } catch {
    return [];
  }
}
