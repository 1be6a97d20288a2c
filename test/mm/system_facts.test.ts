/*
 * The names that TypeScript has for what the memory manager counts stand in the engine's order: read off its
 * sources, and off what a machine shows.
 */

import { describe, expect, it } from "vitest";
import { AREA_FACTS, COUNTERS, GROUP_FACTS, PROCESS_FACTS } from "../../src/engine/system_facts.ts";
import { textOf } from "../support/sources.ts";

describe("counters", () => {
  const constants = [
    ...textOf("assembly/mm/counters.ts").matchAll(/^export const (\w+): u32 = (\d+);$/gm),
  ].map((match) => [match[1]!.toLowerCase(), Number(match[2])] as const);
  const count = constants.find(([name]) => name === "counters")![1];
  const named = new Map(constants.filter(([name]) => name !== "counters").map(([name, at]) => [at, name]));

  it("are as many as the engine has", () => {
    expect(named.size).toBeGreaterThan(40);
    expect(COUNTERS).toHaveLength(count);
    expect(Math.max(...named.keys())).toBeLessThan(count);
  });

  it.each(COUNTERS.map((name, at) => [name, at] as const))("%s is number %i", (name, at) => {
    const own = named.get(at);
    if (own !== undefined) {
      const names = [own, `${own}_reclaim`, `${own}_anon`];
      expect(names).toContain(name);
    } else {
      // Those of files follow those of anonymous memory, and have no name of their own in the engine.
      expect(name).toBe(named.get(at - 1)!.replace(/(_anon)?$/, "_file"));
      expect(COUNTERS[at - 1]).toMatch(/_anon$/);
    }
  });
});

describe("facts", () => {
  const text = textOf("assembly/mm/facts.ts");

  /** What a function of the engine puts down, in its order. */
  function put(name: string): string[] {
    const body = text.slice(text.indexOf(`export function ${name}(`));
    return [...body.slice(0, body.indexOf("\n}\n")).matchAll(/^ {2}put\((?:<f64>)?(.+)\);$/gm)].map((match) =>
      match[1]!.replace(/^(process|vma|group)\./, ""),
    );
  }

  /** Where the engine has another word than TypeScript. */
  const WORDS: Record<string, string> = {
    "pagesOf(MM_FILE)": "filePages",
    "pagesOf(MM_ANON)": "anonPages",
    "pagesOf(MM_SHMEM)": "sharedPages",
    "pagesOf(MM_SWAP)": "swapPages",
    rssMax: "residentPagesMax",
    totalVm: "virtualPages",
    lockedVm: "lockedPages",
    vmaCount: "areas",
    highEvents: "high",
    maxEvents: "max",
    oomKills: "oom_kill",
    oomGroupKills: "oom_group_kill",
  };

  it.each([
    ["processFacts", PROCESS_FACTS],
    ["areaFacts", AREA_FACTS],
    ["groupFacts", GROUP_FACTS],
  ] as const)("of %s are in the engine's order", (name, names) => {
    expect(put(name).length).toBeGreaterThan(4);
    expect(put(name).map((word) => WORDS[word] ?? word)).toEqual([...names]);
  });
});
