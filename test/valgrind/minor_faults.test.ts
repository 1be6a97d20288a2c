/*
 * Recorded programs on the modelled machine take as many minor faults as the kernel counts for them here,
 * within 10%. What the two cannot have in common, of a few hundred faults:
 *
 *  - Valgrind has its `vgpreload_core` loaded into the program: up to 4 pages, and what its loading touches.
 *  - It puts areas at addresses of its own, so that other pages are together in a window of fault-around, and
 *    natively they are elsewhere in every run: some faults up or down for each file.
 *  - The kernel touches pages too, which no trace has: the buffers that read(2) fills. The program reads them
 *    later, which the model takes for a first touch, a fault as well; but if it writes to them after that, it
 *    is one more. sort does, to each page of its text: with 8,000 lines, 28 pages, it makes up 11%.
 *  - Memory that is freed and mapped again faults again; the model maps it once.
 *  - Programs ask the processor what it can do, and Valgrind's can do less: other functions of libc's.
 *
 * exec's own faults count natively; for the model the stack's first page is written. sort's and the C
 * program's counts are small and large on purpose: what is constant shows in the one, pages in the other.
 */

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { system } from "../../src/run/system.ts";
import { clockhand, temporaryFolder } from "../cli/support.ts";
import { compileC, isInSinglePages, NativeRuns, NO_COUNTING } from "../support/native_faults.ts";
import { findProgram } from "../support/programs.ts";

const TOLERANCE = 0.1;

const folder = temporaryFolder();

/** A file read and written privately, .bss and .data, a heap, an area of its own and a deep stack. */
const PROGRAM = `
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#define PAGE 4096
static char bss[300 * PAGE];
static char data[200 * PAGE] = {1};
static int deep(int left) {
  volatile char frame[PAGE];
  frame[0] = frame[PAGE - 1] = left;
  return left ? deep(left - 1) + frame[0] : 0;
}
int main(int count, char **arguments) {
  struct stat stat;
  int file = open(arguments[1], O_RDONLY);
  long sum = 0;
  fstat(file, &stat);
  char *shown = mmap(0, stat.st_size, PROT_READ, MAP_PRIVATE, file, 0);
  for (long at = 0; at < stat.st_size; at += PAGE) sum += shown[at];
  char *changed = mmap(0, stat.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  for (long at = 0; at < stat.st_size; at += 3 * PAGE) changed[at] = 1;
  for (int page = 0; page < 300; page += 2) bss[page * PAGE] = 1;
  for (int page = 0; page < 300; page++) sum += bss[page * PAGE];
  for (int page = 0; page < 200; page += 4) data[page * PAGE]++;
  for (int page = 0; page < 200; page++) sum += data[page * PAGE];
  for (int block = 0; block < 400; block++) memset(malloc(3000), block, 3000);
  memset(malloc(512 * PAGE), 1, 512 * PAGE);
  printf("%ld\\n", sum + deep(100));
  return 0;
}
`;

const SQL = `create table t(a, b);
with recursive c(x) as (select 1 union all select x + 1 from c where x < 1000)
insert into t select x, x * 7919 % 20011 from c;
create index i on t(b);
select sum(a) from t where b > 5000;`;

const PERL =
  'for my $i (0..1500) { $h{$i * 7919 % 10007} = "$i x" } $n += length for values %h; print "$n\\n"';

/** Lines in no order, always the same. */
function lines(count: number): string {
  let text = "";
  for (let line = 0, state = 1; line < count; line++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    text += `${state.toString(16).padStart(8, "0")} ${line}\n`;
  }
  return text;
}

const installed = (name: string) => {
  const path = findProgram(name);
  return { path: path ?? name, missing: path === undefined ? ` (skipped: ${name} is not installed)` : "" };
};
const sort = installed("sort");
const sqlite = installed("sqlite3");
const perl = installed("perl");
const valgrind = installed("valgrind");

const few = join(folder, "few.txt");
const many = join(folder, "many.txt");
writeFileSync(few, lines(2000));
writeFileSync(many, lines(60_000));

interface Program {
  name: string;
  missing: string;
  command: () => string[];
}

const PROGRAMS: Program[] = [
  { name: "sort", missing: sort.missing, command: () => [sort.path, few] },
  { name: "perl", missing: perl.missing, command: () => [perl.path, "-e", PERL] },
  { name: "sqlite3", missing: sqlite.missing, command: () => [sqlite.path, ":memory:", SQL] },
  { name: "a C program", missing: "", command: () => [compileC(folder, "program", PROGRAM), many] },
];

/** The C library as the programs map it. */
function libc(): string {
  const maps = execFileSync("/bin/cat", ["/proc/self/maps"]).toString();
  return /\S*libc[.-]\S*$/m.exec(maps)?.[0] ?? "";
}

const singlePages = NO_COUNTING === "" ? isInSinglePages(folder, libc()) : undefined;
const LARGE_FOLIOS =
  singlePages === false
    ? " (skipped: the page cache of this host has large folios, which are not modelled)"
    : "";
const UNKNOWN_FOLIOS =
  singlePages === undefined ? " (whether the page cache has large folios is hidden: /proc/kpageflags)" : "";
const hidden = NO_COUNTING + valgrind.missing + LARGE_FOLIOS;

describe.skipIf(hidden !== "")(`minor faults of recorded programs${hidden}${UNKNOWN_FOLIOS}`, () => {
  let native: NativeRuns;
  beforeAll(() => {
    native = new NativeRuns(folder);
  });

  for (const { name, missing, command } of PROGRAMS) {
    it.skipIf(missing !== "")(
      `are the kernel's within 10%: ${name}${missing}`,
      { timeout: 240_000 },
      async () => {
        const trace = join(folder, `${name}.cht`);
        const args = ["record", "-o", trace, "--no-native", "--", ...command()];
        const { code, stderr } = await clockhand(args, { env: { ...process.env, LC_ALL: "C" } });
        expect(code, stderr).toBe(0);
        const scenario = join(folder, `${name}.yaml`);
        writeFileSync(
          scenario,
          JSON.stringify({ name, machine: { memory: "1GiB" }, processes: [{ trace }] }),
        );
        const [modelled] = (await system({ scenario })).processes;
        const counted = native.minorFaults(command());
        expect(modelled?.faults.major).toBe(0);
        const error = (modelled?.faults.minor ?? 0) / counted - 1;
        expect(Math.abs(error), `modelled ${modelled?.faults.minor}, counted ${counted}`).toBeLessThan(
          TOLERANCE,
        );
      },
    );
  }
});
