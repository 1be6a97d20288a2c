/*
 * What this computer's kernel counts for a program: a small C program, compiled here, starts it with vfork,
 * so that no page is copied for it, and reads its `struct rusage`. Faults of exec are in it, as they are in
 * what any parent is told: the arguments are copied, the program's last page of data is cleared.
 *
 * Transparent huge pages are switched off for it, unless it asks for them, so that a host's setting of
 * `always` does not count 512 pages as one fault.
 */

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "./programs.ts";

export interface NativeFaults {
  minor: number;
  major: number;
}

/** What keeps a host from counting, as a part of a test's name; empty: nothing. */
export const NO_COUNTING =
  process.platform !== "linux" || process.arch !== "x64"
    ? " (skipped: this is not Linux on x86-64)"
    : findProgram("gcc") === undefined
      ? " (skipped: gcc is not installed)"
      : "";

const STARTER = `
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int count, char **arguments) {
  struct rusage usage;
  int status;
  if (strcmp(arguments[1], "small") == 0) prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  pid_t child = vfork();
  if (child == 0) {
    execv(arguments[2], arguments + 2);
    _exit(127);
  }
  if (wait4(child, &status, 0, &usage) != child || status != 0) return 1;
  fprintf(stderr, "%ld %ld\\n", usage.ru_minflt, usage.ru_majflt);
  return 0;
}
`;

/** Writes and compiles a C program; its path. */
export function compileC(folder: string, name: string, source: string): string {
  const path = join(folder, name);
  writeFileSync(`${path}.c`, source);
  execFileSync("gcc", ["-O1", "-o", path, `${path}.c`]);
  return path;
}

export class NativeRuns {
  readonly #starter: string;

  constructor(folder: string) {
    this.#starter = compileC(folder, "starter", STARTER);
  }

  /** What one run of a program, which is named by its path, takes. */
  faultsOf(command: readonly string[], pages: "small" | "any" = "small"): NativeFaults {
    const args = ["-c", '"$@" 2>&1 >/dev/null', "sh", this.#starter, pages, ...command];
    const said = execFileSync("/bin/sh", args, { env: { ...process.env, LC_ALL: "C" } }).toString();
    const [minor, major] = said.trim().split(" ").map(Number);
    if (!Number.isSafeInteger(minor)) throw new Error(`${command[0]}: ${said}`);
    return { minor: minor as number, major: major as number };
  }

  /**
   * The mean of runs for which nothing had to be read. Addresses are at random, and with them how many of a
   * file's pages are in one window of fault-around.
   */
  minorFaults(command: readonly string[], pages: "small" | "any" = "small"): number {
    const runs: number[] = [];
    for (let run = 0; run < 20 && runs.length < 8; run++) {
      const { minor, major } = this.faultsOf(command, pages);
      if (major === 0) runs.push(minor);
    }
    if (runs.length === 0) throw new Error(`${command[0]}: every run had major faults`);
    return runs.reduce((sum, faults) => sum + faults, 0) / runs.length;
  }
}

const FOLIOS = `
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#define TAIL (1 << 16)
int main(int count, char **arguments) {
  struct stat stat;
  int file = open(arguments[1], O_RDONLY), map = open("/proc/self/pagemap", O_RDONLY);
  int flags = open("/proc/kpageflags", O_RDONLY);
  if (file < 0 || map < 0 || flags < 0 || fstat(file, &stat) != 0) return 1;
  volatile char *at = mmap(0, stat.st_size, PROT_READ, MAP_PRIVATE, file, 0);
  int tails = 0;
  for (off_t offset = 0; offset < stat.st_size; offset += 4096) {
    uint64_t entry, page;
    at[offset];
    if (pread(map, &entry, 8, ((uintptr_t)at + offset) / 4096 * 8) != 8) return 1;
    if (pread(flags, &page, 8, (entry & ((1ull << 55) - 1)) * 8) != 8) return 1;
    tails += (page & TAIL) != 0;
  }
  printf("%d", tails);
  return 0;
}
`;

/**
 * Whether the page cache has the file in single pages: of larger folios a fault maps more than the model
 * does (since Linux 6.18 all of it). Undefined where only root is told.
 */
export function isInSinglePages(folder: string, file: string): boolean | undefined {
  try {
    return execFileSync(compileC(folder, "folios", FOLIOS), [file], { stdio: "pipe" }).toString() === "0";
  } catch {
    return undefined;
  }
}
