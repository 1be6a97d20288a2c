/*
 * A C program makes calls and counts its own minor faults between them; the same calls on the modelled
 * machine take as many, exactly. Its memory is at addresses of its own, each area at the start of a page
 * table, so that windows of fault-around are the same in both. What a run has more than another is a page of
 * the program's own, or of its libraries', that a call touched first; the least of some runs has none.
 */

import { execFileSync } from "node:child_process";
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MAP, VM } from "../../src/engine/system.ts";
import { temporaryFolder } from "../packed/support.ts";
import { RELEASE } from "../support/builds.ts";
import { compileC, isInSinglePages, NativeRuns, NO_COUNTING } from "../support/native_faults.ts";
import { ADVICE, LOAD, Machine, PRIVATE, STORE } from "../support/system.ts";

const PAGES = 64;
const AT = 0x100_0000;
const TABLE = 512;
const RUNS = 8;

const PROGRAM = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#define PAGE 4096ul
#define SIZE (${PAGES} * PAGE)
static long counted;
static long results[64];
static const char *names[64];
static int done;
static char *next = (char *)(${AT} * PAGE);
static long faults(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}
static void begin(void) { counted = faults(); }
static void end(const char *name) {
  long now = faults();
  names[done] = name;
  results[done++] = now - counted;
}
static void reads(const char *name, volatile char *at) {
  begin();
  for (int page = 0; page < ${PAGES}; page++) at[page * PAGE];
  end(name);
}
static void writes(const char *name, volatile char *at) {
  begin();
  for (int page = 0; page < ${PAGES}; page++) at[page * PAGE] = 1;
  end(name);
}
static char *map(int flags, int file) {
  char *at = mmap(next, SIZE, PROT_READ | PROT_WRITE, flags | MAP_FIXED, file, 0);
  if (at == MAP_FAILED) exit(1);
  next += ${TABLE} * PAGE;
  return at;
}
static void print(int from) {
  for (int index = from; index < done; index++) printf("%s: %ld\\n", names[index], results[index]);
  fflush(stdout);
}
int main(int count, char **arguments) {
  int file = open(arguments[1], O_RDWR);
  char *at;
  begin(), end("");
  for (int page = 0; page < 64; page++) names[page] = "", results[page] = 0;
  done = 0;

  at = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
  reads("anonymous, read", at);
  writes("anonymous, then written", at);
  mprotect(at, SIZE, PROT_READ);
  mprotect(at, SIZE, PROT_READ | PROT_WRITE);
  writes("anonymous, written after mprotect and back", at);
  madvise(at, SIZE, MADV_DONTNEED);
  reads("anonymous, read after MADV_DONTNEED", at);

  at = map(MAP_SHARED | MAP_ANONYMOUS, -1);
  reads("shared, read", at);
  writes("shared, then written", at);
  at = map(MAP_SHARED | MAP_ANONYMOUS, -1);
  writes("shared, written", at);

  begin();
  at = map(MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1);
  end("populated");
  writes("populated, then written", at);
  begin();
  at = mremap(at, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, next + 64 * ${TABLE} * PAGE);
  end("moved");
  writes("moved, then written", at);

  at = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
  begin();
  if (mlock(at, SIZE) != 0) return 2;
  end("locked");
  writes("locked, then written", at);
  munlock(at, SIZE);

  if (file >= 0) {
    at = map(MAP_PRIVATE, file);
    reads("file, private, read", at);
    writes("file, private, then written", at);
    at = map(MAP_PRIVATE, file);
    writes("file, private, written", at);
    at = map(MAP_SHARED, file);
    reads("file, shared, read", at);
    writes("file, shared, then written", at);
    writes("file, shared, written again", at);
  }

  at = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
  char *shared = map(MAP_SHARED | MAP_ANONYMOUS, -1);
  writes("before fork", at);
  writes("before fork, shared", shared);
  print(0);
  int before = done;
  if (fork() == 0) {
    // Its own variables are copied before they count.
    begin(), end(""), done--;
    reads("child, read", at);
    writes("child, written", at);
    reads("child, shared, read", shared);
    writes("child, shared, then written", shared);
    print(before);
    _exit(0);
  }
  wait(0);
  writes("parent, written after its child", at);
  print(before);
  return 0;
}
`;

const folder = temporaryFolder();

/** A file in the page cache, written a page at a time, which keeps many file systems from larger folios. */
function writtenFile(): string {
  const path = join(folder, "file");
  writeFileSync(path, "");
  const fd = openSync(path, "r+");
  const page = new Uint8Array(4096).fill(7);
  for (let index = 0; index < PAGES; index++) writeSync(fd, page, 0, 4096, index * 4096);
  closeSync(fd);
  execFileSync("sync", [path]);
  return path;
}

const file = NO_COUNTING === "" ? writtenFile() : "";
const single = NO_COUNTING === "" ? isInSinglePages(folder, file) : undefined;
const noFile =
  single === true
    ? ""
    : " (without files: it is hidden whether the page cache has them in single pages, or it has not)";

/** The same calls; the counts by the same names. */
function modelled(withFile: boolean): Record<string, number> {
  const machine = new Machine(RELEASE, { files: [{ pages: PAGES, isShared: false }] });
  const { core, engine } = machine;
  core.warmFilePages(1, 0, PAGES);
  const counts: Record<string, number> = {};
  const parent = machine.start();
  let next = AT;
  const map = (flags: number, how = 0, number = 0) => {
    const at = next;
    next += TABLE;
    const isSharedMemory = (flags & VM.SHARED) !== 0 && number === 0;
    const of = isSharedMemory ? engine.takeSharedFile(PAGES) : number;
    expect(machine.map(parent, PAGES, flags, { at, how: how | MAP.FIXED, file: of })).toBe(at);
    return at;
  };
  const counting = <Result>(name: string, asid: number, act: () => Result): Result => {
    const before = engine.factsOf(asid).minorFaults;
    const result = act();
    counts[name] = engine.factsOf(asid).minorFaults - before;
    return result;
  };
  const touch =
    (kind: number) =>
    (name: string, at: number, asid: number = parent) =>
      counting(name, asid, () => expect(machine.touch(asid, at, PAGES, kind)).toBe(PAGES));
  const reads = touch(LOAD);
  const writes = touch(STORE);

  let at = map(PRIVATE);
  reads("anonymous, read", at);
  writes("anonymous, then written", at);
  core.mprotectPages(parent, at, PAGES, VM.READ);
  core.mprotectPages(parent, at, PAGES, PRIVATE);
  writes("anonymous, written after mprotect and back", at);
  core.madvisePages(parent, at, PAGES, ADVICE.dontNeed);
  reads("anonymous, read after MADV_DONTNEED", at);

  at = map(PRIVATE | VM.SHARED);
  reads("shared, read", at);
  writes("shared, then written", at);
  at = map(PRIVATE | VM.SHARED);
  writes("shared, written", at);

  at = counting("populated", parent, () => map(PRIVATE, MAP.POPULATE));
  writes("populated, then written", at);
  // Something behind it, so that it has to move to grow.
  machine.map(parent, 1, VM.READ, { at: at + PAGES, how: MAP.FIXED });
  at = counting("moved", parent, () => core.mremapPages(parent, at, PAGES, PAGES + 1, true as never));
  writes("moved, then written", at);

  at = map(PRIVATE);
  counting("locked", parent, () => core.mlockPages(parent, at, PAGES));
  writes("locked, then written", at);
  core.munlockPages(parent, at, PAGES);

  if (withFile) {
    at = map(PRIVATE, 0, 1);
    reads("file, private, read", at);
    writes("file, private, then written", at);
    at = map(PRIVATE, 0, 1);
    writes("file, private, written", at);
    at = map(PRIVATE | VM.SHARED, 0, 1);
    reads("file, shared, read", at);
    writes("file, shared, then written", at);
    writes("file, shared, written again", at);
  }

  at = map(PRIVATE);
  const shared = map(PRIVATE | VM.SHARED);
  writes("before fork", at);
  writes("before fork, shared", shared);
  const child = core.forkProcess(parent) >>> 0;
  reads("child, read", at, child);
  writes("child, written", at, child);
  reads("child, shared, read", shared, child);
  writes("child, shared, then written", shared, child);
  core.exitSystemProcess(child);
  writes("parent, written after its child", at);
  return counts;
}

describe.skipIf(NO_COUNTING !== "")(`minor faults that a program counts${NO_COUNTING}${noFile}`, () => {
  it("are the same, call by call, on the modelled machine", () => {
    new NativeRuns(folder);
    const program = compileC(folder, "calls", PROGRAM);
    const args = ["small", program, single === true ? file : ""];
    const counted: Record<string, number> = {};
    for (let run = 0; run < RUNS; run++) {
      const said = execFileSync(join(folder, "starter"), args, { stdio: ["ignore", "pipe", "ignore"] });
      for (const line of said.toString().trim().split("\n")) {
        const [name = "", faults] = line.split(": ");
        counted[name] = Math.min(counted[name] ?? Number.POSITIVE_INFINITY, Number(faults));
      }
    }
    expect(modelled(single === true)).toEqual(counted);
  });
});
