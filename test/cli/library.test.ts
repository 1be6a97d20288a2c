/** The library, dist/index.js, does what the command line does. */

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type * as Library from "../../src/index.ts";
import {
  comparable,
  INDEX,
  loopTrace,
  MAIN,
  MIXED,
  replayJson,
  skewedTrace,
  start,
  temporaryDirectory,
  temporaryFolder,
  write,
} from "./support.ts";

const folder = temporaryFolder();
const library: typeof Library = await import(INDEX);
const { InterruptedError, replay, TraceError, UserError } = library;

const long = write(
  folder,
  Buffer.concat(Array.from({ length: 60 }, () => gzipSync(skewedTrace(2000, 1000).repeat(160)))),
);

/** The first pass over it is short, and with few frames many more follow. */
const thrashing = write(folder, skewedTrace(2000, 50_000).repeat(30));

/** Runs a module with the library in `library`; the process must end by itself. */
function script(body: string, args: readonly string[] = []) {
  const path = write(
    folder,
    `import * as library from ${JSON.stringify(INDEX)};\n${body}\n`,
    `${body.length}.mjs`,
  );
  return start(process.execPath, [path, ...args]).outcome;
}

describe.concurrent("replay()", () => {
  const cases: [string, Library.ReplayOptions, string[]][] = [
    ["a trace and nothing else", { trace: MIXED }, []],
    [
      "frames as a number",
      { trace: MIXED, frames: 20, policy: "lru" },
      ["--frames", "20", "--policy", "lru"],
    ],
    ["memory as a number of bytes", { trace: MIXED, memory: 65_536 }, ["--memory", "64KiB"]],
    [
      "kinds as an array",
      { trace: MIXED, include: ["load", "store"], frames: "50%" },
      ["--include", "load,store", "--frames", "50%"],
    ],
    [
      "everything",
      {
        trace: MIXED,
        policy: "random",
        frames: 30,
        pageSize: "4KiB",
        machine: "zen4",
        tlb: "L1=16/4",
        costs: "disk,minor_fault_ns=5",
        accessedBit: "walk",
        format: "lackey",
        include: "fetch,load,store",
        skipBadLines: true,
        seed: 9,
        workers: 2,
        advice: false,
      },
      [
        ...[
          "--policy",
          "random",
          "--frames",
          "30",
          "--page-size",
          "4KiB",
          "--machine",
          "zen4",
          "--tlb",
          "L1=16/4",
        ],
        ...["--costs", "disk,minor_fault_ns=5", "--accessed-bit", "walk", "--format", "lackey"],
        ...[
          "--include",
          "fetch,load,store",
          "--skip-bad-lines",
          "--seed",
          "9",
          "--workers",
          "2",
          "--no-advice",
        ],
      ],
    ],
  ];
  test.each(cases)("%s: the report of the command line", async (_, options, args) => {
    const [ours, theirs] = await Promise.all([replay(options), replayJson(MIXED, args)]);
    expect(comparable(ours)).toEqual(comparable(theirs));
    expect(ours.performance.workers).toBe(theirs.performance.workers);
  });

  test("several at once in one process do not disturb each other", async () => {
    const options = ["lru", "opt", "random", "clock"].map((policy) => ({ trace: MIXED, policy, frames: 25 }));
    const together = await Promise.all(options.map((each) => replay(each)));
    for (const [index, report] of together.entries()) {
      expect(comparable(report)).toEqual(comparable(await replay(options[index]!)));
    }
  });

  test("one that fails does not disturb one beside it", async () => {
    const bad = write(folder, `${readFileSync(MIXED)}garbage\n`);
    const [good, failed] = await Promise.allSettled([replay({ trace: MIXED }), replay({ trace: bad })]);
    expect([good.status, failed.status]).toEqual(["fulfilled", "rejected"]);
  });
});

describe.concurrent("replay() rejects", () => {
  test("a user's mistake with UserError", async () => {
    await expect(replay({ trace: MIXED, policy: "lri" })).rejects.toThrow(UserError);
  });

  test("a missing file with UserError", async () => {
    await expect(replay({ trace: `${folder}/none` })).rejects.toThrow(UserError);
  });

  test("a damaged trace with TraceError, though a worker found it", async () => {
    const bad = write(folder, `${readFileSync(MIXED)}garbage\n`);
    await expect(replay({ trace: bad })).rejects.toThrow(TraceError);
    await expect(replay({ trace: bad, frames: 5, workers: 2 })).rejects.toThrow(TraceError);
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e30])(
    "frames %d with UserError",
    async (frames) => {
      await expect(replay({ trace: MIXED, frames })).rejects.toThrow(UserError);
    },
  );

  test("what the caller's onProgress throws, once", async () => {
    const onProgress = () => {
      throw new RangeError("no more");
    };
    await expect(replay({ trace: long, onProgress })).rejects.toThrow("no more");
  });

  test("and its errors have the exit codes of the command line", () => {
    expect(library.exitCodeOf(new UserError("x"))).toBe(2);
    expect(library.exitCodeOf(new TraceError("x"))).toBe(3);
    expect(library.exitCodeOf(new InterruptedError())).toBe(130);
    expect(library.exitCodeOf(new Error("x"))).toBe(1);
  });
});

describe("an AbortSignal", () => {
  test("that has been aborted before rejects with InterruptedError", async () => {
    await expect(replay({ trace: MIXED, signal: AbortSignal.abort() })).rejects.toThrow(InterruptedError);
  });

  test("aborted in the middle rejects soon", async () => {
    const controller = new AbortController();
    const run = replay({ trace: long, signal: controller.signal });
    const failed = expect(run).rejects.toThrow(InterruptedError);
    await new Promise((resolve) => setTimeout(resolve, 600));
    const aborted = performance.now();
    controller.abort();
    await failed;
    expect(performance.now() - aborted).toBeLessThan(2000);
  });

  test("aborted while it looks for enough memory rejects", async () => {
    const controller = new AbortController();
    const onProgress = ({ phase }: Library.Progress) => {
      if (phase === "looking for enough memory") controller.abort();
    };
    const { signal } = controller;
    await expect(replay({ trace: thrashing, frames: 10, signal, onProgress })).rejects.toThrow(
      InterruptedError,
    );
  });

  test("stops one run and not another", async () => {
    const controller = new AbortController();
    const stopped = replay({ trace: long, signal: controller.signal });
    const other = replay({ trace: MIXED });
    setTimeout(() => controller.abort(), 100);
    const [first, second] = await Promise.allSettled([stopped, other]);
    expect([first.status, second.status]).toEqual(["rejected", "fulfilled"]);
  });

  test("that outlives many runs collects no listeners", async () => {
    const outcome = await script(
      `
      import { getEventListeners } from "node:events";
      const { signal } = new AbortController();
      for (let run = 0; run < 12; run++) await library.replay({ trace: process.argv[2], signal, frames: 20 });
      console.log(getEventListeners(signal, "abort").length);`,
      [MIXED],
    );
    expect(outcome.stderr).toBe("");
    expect(outcome.stdout).toBe("0\n");
  });
});

describe("onProgress", () => {
  async function progressOf(options: Library.ReplayOptions): Promise<Library.Progress[]> {
    const seen: Library.Progress[] = [];
    await replay({ ...options, onProgress: (progress) => seen.push({ ...progress }) });
    return seen;
  }

  const seen = progressOf({ trace: long, advice: false });

  test("names the passes in their order", async () => {
    const phases = [...new Set((await seen).map(({ phase }) => phase))];
    expect(phases).toEqual(["counting pages", "replaying"]);
  });

  test("has shares from 0 to 1 that never fall within a pass", async () => {
    for (const phase of ["counting pages", "replaying"]) {
      const shares = (await seen).filter((each) => each.phase === phase).flatMap(({ share }) => share ?? []);
      expect(shares.length).toBeGreaterThan(1);
      expect(shares.every((share) => share >= 0 && share <= 1)).toBe(true);
      expect(shares).toEqual([...shares].sort((one, other) => one - other));
    }
  });

  test("has references and rates that are numbers, and grow", async () => {
    const replaying = (await seen).filter(({ phase }) => phase === "replaying");
    for (const { references, references_per_second, seconds_left } of await seen) {
      expect(Number.isFinite(references) && references >= 0).toBe(true);
      expect(Number.isFinite(references_per_second) && references_per_second >= 0).toBe(true);
      expect(seconds_left === undefined || (Number.isFinite(seconds_left) && seconds_left >= 0)).toBe(true);
    }
    expect(replaying.at(-1)!.references).toBeGreaterThan(0);
    expect(replaying.at(-1)!.references).toBeLessThanOrEqual(60 * 8 * 20_000);
  });

  test("counts references while it looks for enough memory", async () => {
    const controller = new AbortController();
    let references = 0;
    const onProgress = (progress: Library.Progress) => {
      if (progress.phase !== "looking for enough memory") return;
      references = progress.references;
      if (references > 0) controller.abort();
    };
    const { signal } = controller;
    const run = replay({ trace: thrashing, frames: 10, signal, onProgress });
    await expect(run).rejects.toThrow(InterruptedError);
    expect(references).toBeGreaterThan(0);
  });

  test("that throws does not take the process down in silence", async () => {
    const outcome = await script(
      `
      const onProgress = () => { throw new Error("from the callback"); };
      try {
        await library.replay({ trace: process.argv[2], onProgress, frames: 500 });
        console.log("done");
      } catch (error) {
        console.log("rejected", error.message);
      }`,
      [long],
    );
    expect(outcome.stdout + outcome.stderr).toMatch(/from the callback|done/);
  });
});

describe.concurrent("the process", () => {
  test("ends by itself after a run", async () => {
    const outcome = await script(
      `
      const report = await library.replay({ trace: process.argv[2] });
      console.log(report.trace.references.total);`,
      [MIXED],
    );
    expect([outcome.code, outcome.stdout, outcome.stderr]).toEqual([0, "608\n", ""]);
    expect(outcome.milliseconds).toBeLessThan(20_000);
  });

  test("ends by itself after an aborted run", async () => {
    const outcome = await script(
      `
      const signal = AbortSignal.timeout(400);
      await library.replay({ trace: process.argv[2], signal }).catch((error) => console.log(error.name));`,
      [long],
    );
    expect([outcome.code, outcome.stdout, outcome.stderr]).toEqual([0, "InterruptedError\n", ""]);
    expect(outcome.milliseconds).toBeLessThan(20_000);
  });

  test("lives through runs that end while their workers still load", { timeout: 60_000 }, async () => {
    const outcome = await script(
      `
      for (let milliseconds = 60; milliseconds < 160; milliseconds += 2) {
        const signal = AbortSignal.timeout(milliseconds);
        const run = library.replay({ trace: process.argv[2], workers: 2, signal });
        await run.catch((error) => console.log(error.name));
      }`,
      [long],
    );
    const { code, stdout, stderr } = outcome;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe("InterruptedError\n".repeat(50));
  });

  test("reads named pipes while other runs begin and end", { timeout: 60_000 }, async () => {
    const outcome = await script(
      `
      import { execFileSync } from "node:child_process";
      import { readFile, writeFile } from "node:fs/promises";
      const content = await readFile(process.argv[2]);
      async function replayPipes(trace) {
        execFileSync("mkfifo", [trace]);
        for (let run = 0; run < 6; run++) {
          const replayed = library.replay({ trace, frames: 20 });
          await writeFile(trace, content);
          console.log((await replayed).trace.references.total);
        }
      }
      await Promise.all([1, 2, 3].map((number) => replayPipes(process.argv[3] + "/pipe-" + number)));`,
      [MIXED, temporaryFolder()],
    );
    const { code, stdout, stderr } = outcome;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe("608\n".repeat(18));
  });

  test("ends by itself after a failed run", async () => {
    const outcome = await script(`
      await library.replay({ trace: "/none" }).catch((error) => console.log(error.name));`);
    expect([outcome.code, outcome.stdout, outcome.stderr]).toEqual([0, "UserError\n", ""]);
  });

  test("keeps its own signal handlers: the library installs none", async () => {
    const outcome = await script(
      `
      const run = library.replay({ trace: process.argv[2] });
      console.log(process.listenerCount("SIGINT"), process.listenerCount("SIGTERM"));
      await run;`,
      [MIXED],
    );
    expect(outcome.stdout).toBe("0 0\n");
  });
});

test("temporary files are gone after a run", async () => {
  const { env, left } = temporaryDirectory(folder);
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = env.TMPDIR;
  await replay({ trace: MIXED, policy: "opt" }).finally(() => {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  });
  expect(left()).toEqual([]);
});

describe("the lists", () => {
  test("are what the command line lists", async () => {
    const list = async (what: string) => {
      const { stdout } = await start(process.execPath, [MAIN, "list", what, "--json"]).outcome;
      return JSON.parse(stdout)[what];
    };
    expect(library.listPolicies()).toEqual(await list("policies"));
    expect(library.listFormats()).toEqual(await list("formats"));
    const names = (machines: { name: string }[]) => machines.map(({ name }) => name);
    expect(names(library.listMachines())).toEqual(names(await list("machines")));
  });
});

test("a verdict comes with the report", async () => {
  const trace = write(folder, loopTrace(100, 30));
  const { verdict } = await replay({ trace, policy: "lru", frames: 90 });
  expect(verdict).toMatchObject({ thrashing: true, frames_to_stop: 100, memory_to_stop_bytes: 409_600 });
});
