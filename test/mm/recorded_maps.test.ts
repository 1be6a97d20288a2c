/*
 * Traces that know what was mapped: what processes of scenarios make of it, and of META blocks that are not
 * what they should be.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type MachineState, valueIn } from "../../src/machine_state.ts";
import { system } from "../../src/run/system.ts";
import { temporaryFolder, writePacked } from "../packed/support.ts";

const LOAD = 1;
const STORE = 2;
const PAGE = 4096;
/** A page that begins a window of fault-around. */
const FILE_AT = 0x4000;
const STACK_END = 0x1fff001;

const folder = temporaryFolder();
let names = 0;

type Reference = [page: number, kind: number];

const each = (start: number, pages: number, kind: number): Reference[] =>
  Array.from({ length: pages }, (_, page) => [start + page, kind]);
const hex = (page: number) => (page * PAGE).toString(16);
const mapping = (start: number, end: number, rest: object) => ({
  ...{ asid: 0, start: hex(start), end: hex(end), permissions: "rw-p", pages: 1 },
  ...rest,
});
const file = (start: number, end: number, offset = 0, permissions = "r--p") =>
  mapping(start, end, { class: "file", path: "/lib/some.so", offset: hex(offset), permissions });

const vmstat = ({ vmstat }: MachineState) => (Array.isArray(vmstat) ? vmstat : []);

/** Runs processes with such references and mappings, each with keys of its own. */
async function run(references: Reference[], mappings: unknown, keys: object[] = [{}], rest: object = {}) {
  const path = join(folder, `${names++}.cht`);
  const pages = [...new Set(references.map(([page]) => page))];
  await writePacked(path, {
    ids: Uint32Array.from(references, ([page]) => pages.indexOf(page)),
    attrs: Uint16Array.from(references, ([, kind]) => kind),
    tags: BigUint64Array.from(pages, BigInt),
    kinds: new Uint8Array(pages.length).fill(15),
    recording: { mappings },
  });
  const processes = keys.map((more) => ({ trace: path, ...more }));
  const scenario = join(folder, `${names++}.yaml`);
  writeFileSync(scenario, JSON.stringify({ name: "recorded", ...rest, processes }));
  return await system({ scenario });
}

async function faultsOf(references: Reference[], mappings: unknown, keys: object = {}) {
  const { processes } = await run(references, mappings, [keys]);
  return processes[0]?.faults;
}

describe("what a recording had mapped", () => {
  it("is a file in the page cache: a minor fault for 16 pages", async () => {
    const all = each(FILE_AT, 40, LOAD);
    expect(await faultsOf(all, [file(FILE_AT, FILE_AT + 40)])).toEqual({ minor: 3, major: 0 });
  });

  // 32 pages are read; 16 mapped; then those up to 24, which is marked to read on; then it; then 16 more.
  it("is a file on the disk: the first touch waits", async () => {
    const all = each(FILE_AT, 32, LOAD);
    expect(await faultsOf(all, [file(FILE_AT, FILE_AT + 32)], { page_cache: "cold" })).toEqual({
      ...{ minor: 2, major: 1 },
    });
  });

  it("ends where its rights change: no page behind is mapped with it", async () => {
    const maps = [file(FILE_AT, FILE_AT + 4), file(FILE_AT + 4, FILE_AT + 16, 4, "r-xp")];
    expect(await faultsOf(each(FILE_AT, 16, LOAD), maps)).toEqual({ minor: 2, major: 0 });
  });

  it("is private: who writes to a file's page has a copy, and the file is as it was", async () => {
    const maps = [file(FILE_AT, FILE_AT + 16, 0, "rw-p")];
    const { processes, state } = await run(each(FILE_AT, 4, STORE), maps);
    expect(processes[0]).toMatchObject({ faults: { minor: 4, major: 0 }, resident_pages_max: 4 });
    expect(valueIn(vmstat(state), "nr_dirtied")).toBe(0);
  });

  it("is one file for all processes", async () => {
    const maps = [file(FILE_AT, FILE_AT + 32)];
    const cold = { page_cache: "cold" };
    const keys = [cold, { ...cold, start: "1s" }];
    const { processes, state } = await run(each(FILE_AT, 32, LOAD), maps, keys);
    expect(processes.map(({ faults }) => faults.major)).toEqual([1, 0]);
    expect(valueIn(vmstat(state), "nr_file_pages")).toBe(32);
  });

  it("is a stack, whose first page exec has written, and which grows", async () => {
    const stack = mapping(STACK_END - 3, STACK_END, { class: "stack" });
    const pages = each(STACK_END - 20, 20, STORE).reverse();
    const { processes } = await run(pages, [stack]);
    expect(processes[0]).toMatchObject({ end: "exited", faults: { minor: 20 }, virtual_pages: 20 });
  });

  it("is a heap, and anonymous memory that a trace touches only in part", async () => {
    const maps = [
      mapping(0x100, 0x200, { class: "heap" }),
      mapping(0x300, 0x400, { class: "anonymous", permissions: "rwxp" }),
    ];
    const { processes } = await run([[0x110, LOAD], ...each(0x110, 2, STORE), [0x300, STORE]], maps);
    expect(processes[0]).toMatchObject({ faults: { minor: 4, major: 0 }, virtual_pages: 512 });
  });

  it("is not all: what was not seen mapped is anonymous memory", async () => {
    const maps = [file(FILE_AT, FILE_AT + 16)];
    expect(await faultsOf(each(FILE_AT + 100, 3, STORE), maps)).toEqual({ minor: 3, major: 0 });
  });

  it("is mapped once, however often the work is done", async () => {
    const maps = [file(FILE_AT, FILE_AT + 16), mapping(0x100, 0x200, { class: "heap" })];
    const references = [...each(FILE_AT, 16, LOAD), ...each(0x100, 2, STORE)];
    expect(await faultsOf(references, maps, { repeat: 3 })).toEqual({ minor: 3, major: 0 });
  });

  it("is that of the address space that is named", async () => {
    const maps = [{ ...file(FILE_AT, FILE_AT + 16), asid: 5 }];
    expect(await faultsOf(each(FILE_AT, 16, LOAD), maps)).toEqual({ minor: 16, major: 0 });
  });

  it("may be more than the kernel promises", async () => {
    const maps = [mapping(0x1000, 0x100000, { class: "anonymous" })];
    const rest = { machine: { memory: "64MiB" }, sysctl: { "vm.overcommit_memory": 2 } };
    await expect(run(each(0x1000, 1, STORE), maps, [{}], rest)).rejects.toThrow(/cannot be mapped as/);
  });

  it.each<[string, unknown]>([
    ["no list", 3],
    ["no objects", [null, 1, "x", []]],
    ["addresses that are none", [file(1, 2), { ...file(1, 2), start: "-1", end: {} }, { class: "file" }]],
    ["an end before the start", [mapping(0x4010, 0x4000, { class: "anonymous" })]],
    ["pages of no address space", [mapping(0, 2 ** 40, { class: "anonymous" })]],
    ["a part of a page", [{ ...mapping(1, 2, { class: "anonymous" }), start: "1001" }]],
    ["a file without end", [file(FILE_AT, FILE_AT + 16, 2 ** 50)]],
    ["areas over each other", [mapping(0x4000, 0x5000, { class: "heap" }), file(FILE_AT, FILE_AT + 64)]],
  ])("does no harm where it is damaged: %s", async (_what, mappings) => {
    const { processes } = await run(each(FILE_AT, 32, STORE), mappings);
    expect(processes[0]).toMatchObject({ end: "exited", faults: { minor: 32, major: 0 } });
  });
});
