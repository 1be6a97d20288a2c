/*
 * The hooks through which a heap has its memory from elsewhere: an engine is compiled with functions of the
 * test's in them, which hand the calls on to TypeScript.
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { instantiateSync } from "@assemblyscript/loader";
import { expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const KIB = 1024;
const START = 0x10000000;

/** The engine with `connect`, which puts functions that call the host's into the hooks. */
function sourceFor(assembly: string): string {
  const hooks = [
    ["brk", "end: u64", "bool"],
    ["mmap", "bytes: u64", "u64"],
    ["mremap", "address: u64, bytes: u64, newBytes: u64", "u64"],
    ["munmap", "address: u64, bytes: u64", "void"],
    ["touch", "address: u64, bytes: u64", "void"],
  ] as const;
  const functions = hooks.map(([name, parameters, result]) => {
    const names = [...parameters.matchAll(/(\w+):/g)].map((match) => match[1]);
    const hostResult = result === "u64" ? "f64" : result;
    const call = `${name}Host(space, ${names.map((one) => `<f64>${one}`).join(", ")})`;
    return `
      @external("env", "${name}")
      declare function ${name}Host(space: u32, ${parameters.replaceAll("u64", "f64")}): ${hostResult};
      function ${name}(space: u32, ${parameters}): ${result} {
        ${result === "void" ? call : `return <${result}>${call}`};
      }`;
  });
  return `
    export * from "${assembly}/index";
    import { setHeapHooks } from "${assembly}/mm/heap/address_space";
    import { setTouchHook } from "${assembly}/mm/heap/touch";
    ${functions.join("\n")}
    export function connect(): void {
      setHeapHooks(brk.index, mmap.index, mremap.index, munmap.index);
      setTouchHook(touch.index);
    }`;
}

function compiled(): WebAssembly.Module {
  const folder = mkdtempSync(join(tmpdir(), "clockhand-hooks-"));
  try {
    writeFileSync(join(folder, "entry.ts"), sourceFor(relative(folder, join(ROOT, "assembly"))));
    const asc = join(ROOT, "node_modules/.bin/asc");
    const options = ["--runtime", "stub", "--enable", "simd", "--initialMemory", "8", "-O"];
    execFileSync(asc, ["entry.ts", ...options, "-o", "hooks.wasm"], { cwd: folder });
    return new WebAssembly.Module(readFileSync(join(folder, "hooks.wasm")));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

it("are called as glibc calls the system, with each block touched when it is there", () => {
  const said: [name: string, ...numbers: number[]][] = [];
  const hear =
    (name: string, answer: number) =>
    (...numbers: number[]) => {
      said.push([name, ...numbers]);
      return answer;
    };
  let brkAnswer = 1;
  const env = {
    abort: hear("abort", 0),
    brk: (...numbers: number[]) => hear("brk", brkAnswer)(...numbers),
    mmap: hear("mmap", 0x7f0000000000),
    mremap: hear("mremap", 0x7e0000000000),
    munmap: hear("munmap", 0),
    touch: hear("touch", 0),
  };
  const { exports } = instantiateSync(compiled(), { env });
  const core = exports as unknown as Record<string, (...numbers: number[]) => number> & {
    memory: WebAssembly.Memory;
  };
  core.initCalls!(1);
  core.commit!();
  core.initBlocks!();
  core.initSites!();
  core.connect!();
  const heap = core.createHeap!(7, START, 0)!;
  const call = (kind: number, block: number, size = 0, other = 0): number => {
    const view = new DataView(core.memory.buffer, core.callsAt!(), 48);
    const numbers = [block, size, other].map(BigInt);
    view.setUint32(0, kind, true);
    for (const [index, number] of numbers.entries()) view.setBigUint64(8 + 8 * index, number, true);
    core.replayCalls!(heap, core.callsAt!(), 1);
    return Number(new DataView(core.memory.buffer, core.callsAt!(), 48).getBigUint64(40, true));
  };
  const [malloc, realloc, free] = [0, 2, 3];

  expect(call(malloc, 1, 100)).toBe(START + 0x2a0);
  expect(call(malloc, 2, 200 * KIB)).toBe(0x7f0000000010);
  expect(call(realloc, 2, 300 * KIB, 3)).toBe(0x7e0000000010);
  call(free, 3);
  expect(said).toEqual([
    ["brk", 7, START + 132 * KIB],
    ["touch", 7, START + 0x290, 116],
    ["mmap", 7, 204 * KIB],
    ["touch", 7, 0x7f0000000000, 200 * KIB + 16],
    ["mremap", 7, 0x7f0000000000, 204 * KIB, 304 * KIB],
    ["touch", 7, 0x7e0000000000, 300 * KIB + 16],
    ["munmap", 7, 0x7e0000000000, 304 * KIB],
  ]);

  brkAnswer = 0;
  expect(call(malloc, 4, 150 * KIB)).toBe(0);
  expect(said.at(-1)).toEqual(["brk", 7, expect.any(Number)]);
  expect(core.heapFlaw!(heap)).toBe(0);
});
