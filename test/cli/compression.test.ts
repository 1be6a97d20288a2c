/** Every way in which a trace can reach `replay` gives the same report. */

import { closeSync, copyFileSync, openSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import {
  clockhand,
  comparable,
  data,
  distinctPages,
  expectRefusal,
  MIXED,
  mixedReferences,
  parseReport,
  replayJson,
  shell,
  TRACE_ERROR,
  temporaryFolder,
  write,
} from "./support.ts";

const folder = temporaryFolder();
const FRAMES = ["--policy", "lru", "--frames", "40"];
const GZIP = data("really-gzip.lackey.zst");
const ZSTD = data("really-zstd.lackey.xz");
const XZ = data("really-xz.lackey.gz");
const BZIP2 = data("mixed.lackey.bz2");
const LZ4 = data("mixed.lackey.lz4");
const SNAPPY = data("mixed.lackey.sz");

const expected = replayJson(MIXED, FRAMES);

async function expectSame(trace: string, args: readonly string[] = []): Promise<void> {
  expect(comparable(await replayJson(trace, [...FRAMES, ...args]))).toEqual(comparable(await expected));
}

describe.concurrent("a compressed trace is recognised by its content", () => {
  test.each([
    ["gzip, named .zst", GZIP],
    ["zstd, named .xz", ZSTD],
    ["xz, named .gz", XZ],
    ["xz in several blocks", data("blocks.xz")],
    ["xz with CRC32", data("crc32.xz")],
    ["zstd without a checksum", data("unchecked.zst")],
    ["bzip2", BZIP2],
    ["lz4", LZ4],
    ["lz4 with linked blocks", data("linked.lz4")],
    ["framed snappy", SNAPPY],
  ])("%s", (_, trace) => expectSame(trace));

  test("a plain trace named .gz", async () => {
    const path = `${folder}/plain.gz`;
    copyFileSync(MIXED, path);
    await expectSame(path);
  });

  test("xz with a check that cannot be verified is refused, and says how to recompress", async () => {
    const outcome = await clockhand(["replay", data("sha256.xz")]);
    expectRefusal(outcome, TRACE_ERROR, "sha256.xz", "SHA-256", "recompress");
  });
});

/** Enough copies that the compressed file, too, is longer than any buffer between it and the engine. */
const COPIES = 150;

describe.concurrent("pieces in a row are read as one trace", () => {
  const plain = Buffer.concat(Array.from({ length: COPIES }, () => readFileSync(MIXED)));
  const expectedLong = replayJson(write(folder, plain), FRAMES);
  const pieces = {
    "gzip members": GZIP,
    "zstd frames": ZSTD,
    "xz streams": XZ,
    "bzip2 streams": BZIP2,
    "lz4 frames": LZ4,
    "snappy streams": SNAPPY,
  };

  test("the plain text, which is longer than the decoder's buffer, counts every copy", async () => {
    const { trace } = await expectedLong;
    expect(trace.references.total).toBe(COPIES * mixedReferences().length);
    expect(trace.pages).toBe(distinctPages(mixedReferences()));
  });

  for (const [name, path] of Object.entries(pieces)) {
    test(`${name} in a file`, async () => {
      const long = write(folder, Buffer.concat(Array.from({ length: COPIES }, () => readFileSync(path))));
      expect(comparable(await replayJson(long, FRAMES))).toEqual(comparable(await expectedLong));
    });

    test(`${name} through a pipe`, async () => {
      const long = write(folder, Buffer.concat(Array.from({ length: COPIES }, () => readFileSync(path))));
      const outcome = await shell('cat "$trace" | clockhand replay - --json "$@"', long, FRAMES);
      expect(comparable(parseReport(outcome))).toEqual(comparable(await expectedLong));
    });
  }

  test("two workers give what one gives", async () => {
    const long = write(folder, plain);
    const [one, two] = await Promise.all(
      ["1", "2"].map((workers) => replayJson(long, [...FRAMES, "--workers", workers])),
    );
    expect(one?.performance.workers).toBe(1);
    expect(two?.performance.workers).toBe(2);
    expect(comparable(one!)).toEqual(comparable(two!));
  });
});

describe.concurrent("what may stand between or behind the pieces", () => {
  const pair = (trace: string, between: Uint8Array) =>
    Buffer.concat([readFileSync(trace), between, readFileSync(trace)]);
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  const twice = 2 * mixedReferences().length;

  test.each([
    ["an empty gzip member", GZIP, gzipSync("")],
    ["a skippable zstd frame", ZSTD, skippable],
    ["xz stream padding", XZ, Buffer.alloc(8)],
  ])("%s is passed over", async (_, trace, between) => {
    const report = await replayJson(write(folder, pair(trace, between)), FRAMES);
    expect(report.trace.references.total).toBe(twice);
  });

  test("a zstd file may begin with a skippable frame", async () => {
    await expectSame(write(folder, Buffer.concat([skippable, readFileSync(ZSTD)])));
  });

  test("zeros behind the last gzip member are padding, as tapes have it", async () => {
    await expectSame(write(folder, Buffer.concat([readFileSync(GZIP), Buffer.alloc(512)])));
  });

  test("a gzip member behind zeros is not dropped in silence", async () => {
    const outcome = await clockhand([
      "replay",
      write(folder, pair(GZIP, Buffer.alloc(512))),
      ...FRAMES,
      "--json",
    ]);
    if (outcome.code === 0) expect(parseReport(outcome).trace.references.total).toBe(twice);
    else expectRefusal(outcome, TRACE_ERROR, "gzip");
  });
});

describe.concurrent("standard input", () => {
  const traces = Object.entries({ plain: MIXED, gzip: GZIP, zstd: ZSTD, xz: XZ, bzip2: BZIP2 });

  test.each(traces)("%s through a pipe", async (_, trace) => {
    const outcome = await shell('cat "$trace" | clockhand replay - --json "$@"', trace, FRAMES);
    expect(comparable(parseReport(outcome))).toEqual(comparable(await expected));
  });

  test.each(traces)("%s redirected from a file", async (_, trace) => {
    const outcome = await shell('clockhand replay - --json "$@" < "$trace"', trace, FRAMES);
    expect(comparable(parseReport(outcome))).toEqual(comparable(await expected));
  });

  test.each([traces[0]!, traces[2]!])(
    "%s through a socket, as from another program's child",
    async (_, trace) => {
      const report = await replayJson("-", FRAMES, { input: readFileSync(trace) });
      expect(comparable(report)).toEqual(comparable(await expected));
    },
  );

  test("a process substitution can be read like a pipe", async () => {
    const outcome = await shell('clockhand replay <(cat "$trace") --json "$@"', ZSTD, FRAMES);
    expect(comparable(parseReport(outcome))).toEqual(comparable(await expected));
  });

  test("is called - in the report", async () => {
    const report = await replayJson("-", FRAMES, { input: readFileSync(MIXED) });
    expect(report.trace.path).toBe("-");
  });

  test("is read from where it stands, when an earlier program has read a part of it", async () => {
    const fd = openSync(write(folder, "I  00001000,4\n".repeat(10)), "r");
    const script = 'read -r line; read -r line; clockhand replay - --json "$@"';
    const report = parseReport(await shell(script, "-", FRAMES, { stdin: fd }));
    closeSync(fd);
    expect(report.trace.references.total).toBe(8);
  });

  test("half of the pages become frames, though a pipe cannot be read twice", async () => {
    const report = await replayJson("-", [], { input: readFileSync(MIXED) });
    expect(report.machine.frames).toBe(Math.round(distinctPages(mixedReferences()) / 2));
  });
});

describe.concurrent("text as it comes from elsewhere", () => {
  const text = readFileSync(MIXED, "latin1");

  test("the last line needs no line feed", () => expectSame(write(folder, text.trimEnd())));

  test("lines may end with carriage return and line feed", () =>
    expectSame(write(folder, text.replaceAll("\n", "\r\n"))));

  test("a trace in a file named like an option needs ./ or --", async () => {
    copyFileSync(MIXED, `${folder}/--odd`);
    const outcome = await clockhand(["replay", "--json", ...FRAMES, "--", "--odd"], { cwd: folder });
    expect(comparable(parseReport(outcome))).toEqual(comparable(await expected));
  });
});
