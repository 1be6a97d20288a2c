/*
 * check-policy finds what can be wrong with a policy while it runs, and finds nothing wrong with good ones:
 * the template that new-policy writes, which is also held against the built-in policy it resembles, and the
 * example of docs/policies.md.
 */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { CheckReport } from "../../src/custom_policy/check/index.ts";
import { choosePolicy, listPolicies } from "../../src/engine/policies.ts";
import { policyOf, RELEASE } from "../support/builds.ts";
import { checkPolicy, compilePolicy, policyFolder, templateOf } from "../support/custom_policy.ts";
import { folded, replayLab } from "../support/engine_runs.ts";
import { makeStream, STREAM_NAMES } from "../support/streams.ts";

const { write } = policyFolder();
const PAGES = 1 << 26;

/** FIFO, and what it does wrong is a parameter's choice, so that it is compiled once. */
const WRONG = `
import {
  GhostList, HeldFrames, pageIn, parameter, ReplacementPolicy, register, reserveArray, Rng, rngAt,
} from "clockhand/policy";

const MISTAKES = memory.data(16, 8);
const ghosts = changetype<GhostList>(memory.data(offsetof<GhostList>(), 8));

@unmanaged
@final
class WrongPolicy extends ReplacementPolicy {
  private mistake: u32;
  private frames: u32;
  private hand: u32;
  private hits: u32;
  private removals: u32;
  private array: usize;

  about(): string {
    return \`{ "name": "wrong", "summary": "", "paper": "", "parameters": [
      { "name": "does", "type": "choice", "default": "nothing", "summary": "", "choices": ["nothing",
        "beyond", "same", "endless", "trap", "assert", "runs", "damage", "builds", "init", "interval", "large",
        "recursion", "random", "ghosts", "empty", "removal"] }
    ] }\`;
  }

  init(frames: u32, pages: u32): void {
    this.mistake = <u32>parameter(0);
    this.frames = frames;
    this.array = reserveArray<u8>(1 << 20);
    rngAt(MISTAKES, 1);
    ghosts.init(8, pages, 0);
    if (this.mistake == 9) store<u8>(this.array + (1 << 19), 1);
    if (this.mistake == 11) for (let i: u32 = 0; i < 60; i++) reserveArray<u8>(pages);
  }

  interval(): u32 {
    return this.mistake == 10 ? 0 : 100;
  }

  onInterval(): void {
    this.hits = 0;
  }

  onHit(pfn: u32, references: u32): void {
    this.hits += this.mistake == 6 ? 1 : references;
  }

  victim(page: u32): u32 {
    if (this.mistake == 1 && page == 20) return this.frames;
    if (this.mistake == 2) return HeldFrames.from(0);
    if (this.mistake == 3) while (page == 20) this.hits++;
    if (this.mistake == 4 && page == 20) return load<u32>(0xfffffff0);
    if (this.mistake == 5) assert(page != 20, "page 20 is unlucky");
    if (this.mistake == 6 && this.hits % 7 == 3) return HeldFrames.from(0);
    if (this.mistake == 8 && ASC_NO_ASSERT && page % 7 == 3) return 0;
    if (this.mistake == 12 && page == 20) return this.victim(20) + pageIn(0);
    if (this.mistake == 13) {
      return HeldFrames.around(changetype<Rng>(MISTAKES).below(this.frames));
    }
    if (this.mistake == 14 && page == 20) ghosts.add(pageIn(0));
    if (this.mistake == 16 && ASC_NO_ASSERT && this.removals > 20) this.hand = 0;
    const pfn = this.mistake == 15 ? this.hand : HeldFrames.around(this.hand);
    this.hand = pfn + 1 == this.frames ? 0 : pfn + 1;
    return pfn;
  }

  onFill(pfn: u32, page: u32): void {
    if (this.mistake == 7 && page == 20) for (let i: usize = 1; i < 256; i++) store<u8>(this.array - i, 1);
  }

  onRemove(pfn: u32): void {
    this.removals++;
  }
}

register<WrongPolicy>();
`;

const results = ({ checks }: CheckReport) =>
  Object.fromEntries(checks.map(({ name, result }) => [name, result]));
const ALL_PASS = Object.fromEntries(
  [
    "paging",
    "room for all",
    "optimum",
    "runs",
    "repeatable",
    "builds",
    "mmu",
    "removal",
    "memory",
    "victims",
  ].map((name) => [name, "pass"]),
);
const PAGING_FAILS = {
  ...Object.fromEntries(Object.keys(ALL_PASS).map((name) => [name, "skipped"])),
  paging: "fail",
};

describe("a wrong policy", () => {
  const file = write("wrong.ts", WRONG);
  const check = (mistake: string) =>
    checkPolicy(`${file}:does=${mistake}`, { pages: PAGES, patienceMs: 1500 });

  it.each(["nothing", "random"])("is a right one when it does %s wrong", async (mistake) => {
    const report = await check(mistake);
    expect(results(report)).toEqual(ALL_PASS);
    expect(report.passed).toBe(true);
    expect(report.policy).toEqual({ name: "wrong", file, params: [`does=${mistake}`] });
  });

  const stops: [mistake: string, says: RegExp][] = [
    [
      "beyond",
      /^does=beyond, \d+ frames?, stream ".*", reference \d+: victim\(\) returned \d+, which is no frame$/,
    ],
    ["endless", /^does=endless, .*, reference \d+: does not come to an end; ended after 1.5 s$/],
    ["interval", /^does=interval, .*, reference 0: does not come to an end; ended after 1.5 s$/],
    ["trap", /^does=trap, .*, reference \d+: memory access out of bounds$/],
    ["recursion", /^does=recursion, .*, reference \d+: Maximum call stack size exceeded$/],
    ["assert", /^does=assert, .*, reference \d+: page 20 is unlucky at wrong.ts:54:\d+$/],
    ["ghosts", /^does=ghosts, .*, reference \d+: a page that is resident has no note at /],
    [
      "damage",
      /^does=damage, .*, reference \d+: the frame table is damaged: .* does the policy write outside/,
    ],
    [
      "init",
      /^does=init, .*: init\(\): memory access out of bounds; are arrays used before the run has started\?$/,
    ],
  ];
  it.each(stops)("that stops paging is found, and the rest is not tried: %s", async (mistake, says) => {
    const report = await check(mistake);
    expect(results(report)).toEqual(PAGING_FAILS);
    expect(report.checks[0]!.detail).toMatch(says);
    expect(report.passed).toBe(false);
  });

  const others: [mistake: string, check: string, says: RegExp][] = [
    ["runs", "runs", /^does=runs, .*: as a run major \d+, not \d+; evictions \d+, not \d+/],
    ["builds", "builds", /^does=builds, .*: in the debug build major \d+, not \d+/],
    ["empty", "removal", /^does=empty, .*: victim\(\) returned \d+, a frame without a page$/],
    ["removal", "removal", /^does=removal, .*: victim \d+ is in frame \d+, and in the debug build in \d+$/],
    ["large", "memory", /^with room for 67,108,864 pages, .*: 1,024 frames need 4.\d+ GiB of state/],
  ];
  it.each(others)("fails the one check that is about it: %s", async (mistake, name, says) => {
    const report = await check(mistake);
    expect(results(report)).toEqual({ ...ALL_PASS, [name]: "fail" });
    expect(report.checks.find((check) => check.name === name)!.detail).toMatch(says);
    expect(report.passed).toBe(false);
  });

  it("that always chooses the same frame, which is allowed, gets a warning", async () => {
    const report = await check("same");
    expect(results(report)).toEqual({ ...ALL_PASS, victims: "warn" });
    expect(report.checks.at(-1)!.detail).toMatch(/^victim\(\) returned frame 0 all [\d,]+ times/);
    expect(report.passed).toBe(true);
  });

  it("has a name, or parameters, that are said to be none", async () => {
    await expect(checkPolicy("clock", { pages: PAGES })).rejects.toThrow(/"clock" is no policy of your own/);
    await expect(check("little")).rejects.toThrow(/policy wrong: does=little.*it is one of nothing, beyond/);
  });
});

describe("the policy that new-policy writes", () => {
  const file = write("second-look.ts", templateOf("second-look"));

  it("passes, with its defaults and at its limits", async () => {
    const report = await checkPolicy(file, { pages: PAGES });
    expect(results(report)).toEqual(ALL_PASS);
    expect(report.policy.params).toEqual(["", "chances=2", "chances=255"]);
    expect(report.checks.find(({ name }) => name === "memory")!.detail).toBe(
      "1 byte a frame and 0 bytes a page",
    );
  });

  it.each([
    ["clock", "second-look"],
    ["clock:bits=2", "second-look:chances=3"],
    ["clock:bits=8", "second-look:chances=255"],
  ])("counts what %s counts: %s", async (builtIn, own) => {
    const { module } = await compilePolicy(file);
    const policy = choosePolicy(own, listPolicies(module));
    for (const [index, name] of STREAM_NAMES.entries()) {
      for (const frames of [1, 3, 20]) {
        const { title, touches } = makeStream(name, 10 * frames + index, {
          length: 2000,
          pages: 2 * frames + 2,
        });
        const runs = folded(touches);
        const expected = replayLab(RELEASE, runs, { frames, policy: policyOf(builtIn), seed: 1 });
        expect(replayLab(module, runs, { frames, policy, seed: 1 }), title).toEqual(expected);
      }
    }
  });
});

describe("the example of docs/policies.md", () => {
  const docs = readFileSync(new URL("../../docs/policies.md", import.meta.url), "utf8");
  const examples = [...docs.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);

  it("is a policy that passes", async () => {
    expect(examples).toHaveLength(1);
    const report = await checkPolicy(write("comeback.ts", examples[0]!), { pages: PAGES });
    expect(results(report)).toEqual(ALL_PASS);
    expect(report.policy.params).toEqual(["", "ghosts=0%", "ghosts=1000%"]);
  });
});
