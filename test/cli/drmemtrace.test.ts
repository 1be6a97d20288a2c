/** DynamoRIO's traces on the command line: folders and single files, whole and damaged. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { InfoReport, SweepReport } from "../../src/types.ts";
import {
  type DrRecord,
  encoded,
  ending,
  MARKER,
  marker,
  opening,
  record,
  TYPE,
} from "../support/drmemtrace_files.ts";
import { zipOf } from "../support/zip_files.ts";
import {
  clockhand,
  comparable,
  expectRefusal,
  MIXED,
  parseReport,
  replayJson,
  shell,
  TRACE_ERROR,
  temporaryFolder,
  USER_ERROR,
  write,
} from "./support.ts";

const folder = temporaryFolder();
const FRAMES = ["--frames", "10"];
const THREADS = [101, 102, 103];

let folders = 0;

/** A thread that touches pages of its own and a shared one, and takes turns with the others. */
function thread(number: number, segments = 20): DrRecord[] {
  const body = Array.from({ length: segments }, (_, segment) => [
    marker(2, 100 + segment * 10 + (number % 7)),
    marker(3, 1),
    record(TYPE.instr, 4, 0x400000 + segment * 8),
    record(TYPE.read, 8, 0x10000000 + (number * 16 + (segment % 9)) * 4096),
    record(TYPE.write, 8, 0x20000000 + segment * 8),
  ]);
  return [...opening(number, 100, 7, 50), ...body.flat(), ...ending(number)];
}

/** In three chunks. */
function zipped(records: DrRecord[]): Buffer {
  const length = Math.ceil(records.length / 3);
  const chunks = [0, 1, 2].map((chunk) => records.slice(chunk * length, (chunk + 1) * length));
  const footers = [[marker(MARKER.chunkFooter, 0)], [marker(MARKER.chunkFooter, 1)], []];
  return zipOf(
    chunks.map((chunk, index) => ({
      name: `chunk.000${index}`,
      content: encoded([...chunk, ...footers[index]!], 64),
    })),
  );
}

/** A folder of a trace, as DynamoRIO leaves it, with the files inside changed. */
function traceFolder(files: Record<string, Uint8Array | undefined> = {}, inside = "trace"): string {
  const path = join(folder, `app.${folders++}.dir`);
  mkdirSync(join(path, inside), { recursive: true });
  const names = THREADS.map((number) => [`drmemtrace.app.${number}.1.trace.zip`, zipped(thread(number))]);
  const all: Record<string, Uint8Array | undefined> = {
    ...Object.fromEntries(names),
    "modules.log": Buffer.alloc(9),
  };
  for (const [name, content] of Object.entries({ ...all, ...files })) {
    if (content !== undefined) writeFileSync(join(path, inside, name), content);
  }
  return path;
}

const schedule = (...entries: [thread: number, time: number, instructions: number][]) =>
  gzipSync(
    new Uint8Array(new BigUint64Array(entries.flatMap(([t, u, n]) => [t, u, 1, n].map(BigInt))).buffer),
  );
/** Each thread by itself, all of it. */
const ONE_BY_ONE = schedule([103, 50, 0], [101, 50, 0], [102, 50, 0]);

describe("a folder of threads' files", () => {
  test("is recognised, and is the same with any number of workers", async () => {
    const path = traceFolder();
    const [one, ...others] = await Promise.all(
      ["1", "2", "3", "5"].map((workers) => replayJson(path, [...FRAMES, "--workers", workers])),
    );
    expect(one!.trace).toMatchObject({
      format: "drmemtrace",
      references: { total: 180, fetch: 60, load: 60, store: 60, modify: 0 },
    });
    expect(one!.trace.pages).toBe(2 + 3 * 9);
    for (const other of others) expect(comparable(other)).toEqual(comparable(one!));
  });

  test("is the same with its files in it or in its folder called trace, however they are compressed", async () => {
    const first = `drmemtrace.app.${THREADS[0]}.1.trace`;
    const plain = encoded(thread(THREADS[0]!), 64);
    const paths = [
      traceFolder({}, "."),
      traceFolder({ [`${first}.zip`]: undefined, [first]: plain }),
      traceFolder({ [`${first}.zip`]: undefined, [`${first}.gz`]: gzipSync(plain) }),
    ];
    const expected = comparable(await replayJson(traceFolder(), FRAMES));
    for (const path of paths) expect(comparable(await replayJson(path, FRAMES)), path).toEqual(expected);
  });

  test("goes as it was recorded when told to", async () => {
    const path = traceFolder({ "serial_schedule.bin.gz": ONE_BY_ONE });
    const recorded = await replayJson(path, ["--format", "drmemtrace:schedule=recorded", "--frames", "12"]);
    const merged = await replayJson(path, ["--frames", "12"]);
    expect(recorded.trace.references).toEqual(merged.trace.references);
    expect(recorded.result.faults.major).toBeLessThan(merged.result.faults.major);
  });

  test("is packed, and packed once for the cache, until a file in it changes", async () => {
    const path = traceFolder();
    const output = join(folder, "packed.cht");
    const { code, stderr } = await clockhand(["pack", path, "-o", output]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const expected = await replayJson(path, FRAMES);
    expect((await replayJson(output, FRAMES)).result).toEqual(expected.result);

    const env = { XDG_CACHE_HOME: join(folder, "cache") };
    const sweep = () => clockhand(["sweep", path, "--policies", "lru", "--frames", "10", "--json"], { env });
    expect((await sweep()).stderr).toContain("packed");
    const again = await sweep();
    expect(again.stderr).not.toContain("packed");
    expect((JSON.parse(again.stdout) as SweepReport).cells).toMatchObject([{ references: 180 }]);
    writeFileSync(join(path, "trace", "drmemtrace.app.101.1.trace.zip"), zipped(thread(101, 30)));
    const changed = await sweep();
    expect(changed.stderr).toContain("packed");
    expect((JSON.parse(changed.stdout) as SweepReport).cells).toMatchObject([{ references: 210 }]);
  });

  test("has references of some kinds only", async () => {
    const { trace } = await replayJson(traceFolder(), [...FRAMES, "--include", "store"]);
    expect(trace.references).toEqual({ total: 60, fetch: 0, load: 0, store: 60, modify: 0 });
  });
});

describe.concurrent("a folder is refused", () => {
  const file = `drmemtrace.app.${THREADS[1]}.1.trace.zip`;
  const recorded = ["--format", "drmemtrace:schedule=recorded"];
  const withSchedule = (content: Uint8Array) => traceFolder({ "serial_schedule.bin.gz": content });

  test.each<[string, () => string, number, string[], string[]]>([
    ["of other files", () => traceFolder({}, "other"), USER_ERROR, [], ["folder", "name a trace file"]],
    ["of a raw trace", () => traceFolder({}, "raw"), USER_ERROR, [], ["drraw2trace"]],
    ["as another format", () => traceFolder(), USER_ERROR, ["--format", "lackey"], ["folder", "lackey"]],
    ["without a schedule", () => traceFolder(), USER_ERROR, recorded, ["no recorded schedule"]],
    [
      "for a schedule that there is not",
      () => traceFolder(),
      USER_ERROR,
      ["--format", "drmemtrace:schedule=record"],
      ['no schedule "record"', "recorded"],
    ],
    [
      "with a schedule cut off",
      () => withSchedule(gzipSync(new Uint8Array(33))),
      TRACE_ERROR,
      recorded,
      ["byte 32", "truncated"],
    ],
    [
      "with a schedule of another thread",
      () => withSchedule(schedule([101, 50, 0], [102, 50, 0], [103, 50, 0], [9, 50, 0])),
      TRACE_ERROR,
      recorded,
      ["thread 9"],
    ],
    [
      "with a schedule that forgets a thread",
      () => withSchedule(schedule([101, 50, 0], [102, 50, 0])),
      TRACE_ERROR,
      recorded,
      ["thread 103"],
    ],
    [
      "with a schedule of other times",
      () => withSchedule(schedule([101, 50, 0], [102, 51, 0], [103, 50, 0])),
      TRACE_ERROR,
      recorded,
      ["thread 102", "time 51"],
    ],
    [
      "with a file cut off",
      () => traceFolder({ [file]: zipped(thread(102).slice(0, -1)) }),
      TRACE_ERROR,
      [],
      [file, "truncated"],
    ],
    ["with an empty file", () => traceFolder({ [file]: Buffer.alloc(0) }), TRACE_ERROR, [], [file, "empty"]],
    [
      "with a file of another format",
      () => traceFolder({ [file]: Buffer.from(" L 1000,4\n") }),
      TRACE_ERROR,
      [],
      [file, "drmemtrace"],
    ],
    [
      "with an archive cut off",
      () => traceFolder({ [file]: zipped(thread(102)).subarray(0, 300) }),
      TRACE_ERROR,
      [],
      [file, "zip"],
    ],
  ])("%s", async (_, make, code, args, says) => {
    // What is wrong inside files comes from the worker that decodes for another, the rest from the start.
    const workers = code === TRACE_ERROR ? "2" : "1";
    const outcome = await clockhand(["replay", make(), ...FRAMES, "--workers", workers, ...args]);
    expectRefusal(outcome, code, ...says);
  });
});

describe.concurrent("a single file", () => {
  const plain = encoded(thread(101), 64);

  test("is the same plain, compressed, in an archive, and from a pipe", async () => {
    const paths = [write(folder, plain), write(folder, gzipSync(plain)), write(folder, zipped(thread(101)))];
    const [first, ...others] = await Promise.all(paths.map((path) => replayJson(path, FRAMES)));
    expect(first!.trace).toMatchObject({ format: "drmemtrace", references: { total: 60 } });
    for (const other of others) expect(comparable(other)).toEqual(comparable(first!));
    const piped = parseReport(
      await shell('cat "$trace" | clockhand replay - "$@"', paths[0]!, [...FRAMES, "--json"]),
    );
    expect(piped.result).toEqual(first!.result);
  });

  test("has no schedule", async () => {
    const args = ["replay", write(folder, plain), ...FRAMES, "--format", "drmemtrace:schedule=recorded"];
    expectRefusal(await clockhand(args), USER_ERROR, "is one file");
  });

  test("is refused as an archive from a pipe", async () => {
    const outcome = await shell('cat "$trace" | clockhand replay -', write(folder, zipped(thread(101))));
    expectRefusal(outcome, USER_ERROR, "zip", "pipe");
  });

  test("is refused when it is truncated, with the byte", async () => {
    const path = write(folder, plain.subarray(0, 600));
    expectRefusal(await clockhand(["replay", path, ...FRAMES]), TRACE_ERROR, path, "byte 600", "truncated");
  });

  test("is refused when another format is meant", async () => {
    const args = ["replay", MIXED, ...FRAMES, "--format", "drmemtrace"];
    expectRefusal(await clockhand(args), TRACE_ERROR, "byte 0", "header");
  });

  test("that unpacks to a hundred times its size takes no more memory for it", async () => {
    const zeros = Buffer.alloc(120_000_000);
    const content = Buffer.concat([encoded(opening(1, 1), 64), zeros, encoded([...thread(1).slice(10)], 64)]);
    const bomb = write(folder, zipOf([{ name: "chunk.0000", content }]));
    const { trace, performance } = await replayJson(bomb, FRAMES);
    expect(trace.references.total).toBe(60);
    expect(performance.peak_rss_bytes).toBeLessThan(400e6);
  });
});

describe.concurrent("an archive of another trace", () => {
  const lines = (text: string) => Buffer.from(text);

  test("is read too, its files one behind the other", async () => {
    const files = [" L 1000,4\n", " L 2000,4\n S 3000,4"].map((text, index) => ({
      name: `part ${index}`,
      content: lines(text),
    }));
    const { trace } = await replayJson(write(folder, zipOf(files)), FRAMES);
    expect(trace).toMatchObject({ format: "lackey", references: { load: 2, store: 1 } });
  });

  test("without files is refused", async () => {
    expectRefusal(await clockhand(["replay", write(folder, zipOf([]))]), TRACE_ERROR, "no files");
  });
});

describe("--cores", () => {
  const cores = async (count: number, ...args: string[]) =>
    (await replayJson(traceFolder(), [...FRAMES, "--cores", `${count}`, "--no-advice", ...args])).result;

  test("deals threads out in turn; every core has TLBs of its own", async () => {
    const [one, three] = [await cores(1), await cores(3)];
    expect(one.cores).toBeUndefined();
    expect(three.cores?.map(({ references }) => references)).toEqual([60, 60, 60]);
    for (const [index, { misses, shootdowns, name }] of three.tlb.entries()) {
      const sum = (what: "misses" | "shootdowns") =>
        three.cores?.reduce((total, core) => total + (core.tlb[index]?.[what] ?? 0), 0);
      expect([sum("misses"), sum("shootdowns")], name).toEqual([misses, shootdowns]);
    }
    // Memory is shared: what faults does not depend on where it runs.
    expect([three.faults, three.evictions]).toEqual([one.faults, one.evictions]);
    // The shared code page is missed once on each core.
    const missesOf = (result: typeof one, name: string) =>
      result.tlb.find((tlb) => tlb.name === name)?.misses ?? 0;
    expect(missesOf(three, "L1I")).toBeGreaterThanOrEqual(missesOf(one, "L1I") + 2);
  });

  test("more than there are threads leaves the others idle", async () => {
    const five = await cores(5);
    expect(five.cores?.map(({ references }) => references)).toEqual([60, 60, 60, 0, 0]);
  });

  test("counts the same whoever decodes", async () => {
    expect(await cores(2, "--workers", "3")).toEqual(await cores(2, "--workers", "1"));
  });

  test.each(["0", "65", "1.5"])("%s is no number of cores", async (count) => {
    expectRefusal(await clockhand(["replay", MIXED, "--cores", count]), USER_ERROR, "--cores");
  });

  test("counts the same when packed, packed again, and packed by a policy that looks ahead", async () => {
    const source = traceFolder();
    const packed = join(folder, "threads.cht");
    const again = join(folder, "threads again.cht");
    for (const [from, to] of [[source, packed] as const, [packed, again] as const]) {
      expect((await clockhand(["pack", from, "-o", to])).code).toBe(0);
    }
    for (const args of [
      ["--cores", "2"],
      ["--cores", "64", "--frames", "40%"],
      ["--cores", "3", "--policy", "opt"],
      ["--cores", "2", "--policy", "opt", "--include", "store"],
    ]) {
      const [raw, ...others] = await Promise.all(
        [source, packed, again].map((path) => replayJson(path, ["--frames", "9", ...args])),
      );
      for (const { result, history, verdict, trace } of others) {
        expect({ result, history, verdict }, `${args}`).toEqual({
          result: raw!.result,
          history: raw!.history,
          verdict: raw!.verdict,
        });
        expect({ ...trace, path: "", format: "" }).toEqual({ ...raw!.trace, path: "", format: "" });
      }
    }
  });

  test("of a stream from a pipe are those of its one thread, as they are of the file", async () => {
    const path = write(folder, encoded(thread(101), 64));
    const args = [...FRAMES, "--cores", "2", "--json"];
    const piped = parseReport(await shell('cat "$trace" | clockhand replay - "$@"', path, args));
    const { result } = await replayJson(path, args.slice(0, -1));
    expect(piped.result).toEqual(result);
    expect(result.cores?.map(({ references }) => references)).toEqual([60, 0]);
  });
});

test("info counts threads and address spaces, and references as DynamoRIO does", async () => {
  const source = traceFolder();
  const packed = join(folder, "info.cht");
  await clockhand(["pack", source, "-o", packed]);
  const infoOf = async (path: string): Promise<InfoReport> =>
    JSON.parse((await clockhand(["info", path, "--json"])).stdout);
  const info = await infoOf(source);
  expect(info.trace).toMatchObject({
    format: "drmemtrace",
    address_spaces: 1,
    threads: 3,
    references: { fetch: 60, load: 60, store: 60 },
  });
  expect((await infoOf(packed)).trace).toEqual({ ...info.trace, path: packed, format: "cht" });
});
