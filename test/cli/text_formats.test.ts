/** Dinero's, Pin's and address traces on the command line: recognised, replayed, packed, split, refused. */

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { parseAddress } from "../reference/address.ts";
import { parseDin, parseXdin } from "../reference/dinero.ts";
import type { LineOptions, LineResult } from "../reference/lines.ts";
import { pageIds } from "../reference/pages.ts";
import { parsePinatrace } from "../reference/pinatrace.ts";
import {
  clockhand,
  comparable,
  data,
  expectRefusal,
  replayJson,
  TRACE_ERROR,
  temporaryFolder,
  USER_ERROR,
  write,
} from "./support.ts";

const folder = temporaryFolder();

type Parse = (text: string, options: LineOptions) => LineResult;

const SAMPLES: [file: string, format: string, parse: Parse, isExpected: string][] = [
  ["mixed.din", "din", parseDin, "0 7fffe7e0"],
  ["mixed.xdin", "xdin", parseXdin, "r 7fffe7e0 4"],
  ["manual.pinatrace", "pinatrace", parsePinatrace, "0x7f2b1c0a1b40: R 0x7ffd12345678"],
  ["simple.pinatrace", "pinatrace", parsePinatrace, "0x7f2b1c0a1b40: R 0x7ffd12345678"],
  ["mixed.address", "address", parseAddress, "l 0x1fffff50 1"],
];

const textOf = (file: string) => readFileSync(data(file), "latin1");

/** The references that the slow parser finds, which must be all right. */
function slowly(parse: Parse, text: string) {
  const { touches, error } = parse(text, { pageShift: 12 });
  expect(error).toBeUndefined();
  return touches;
}

function countsOf(touches: ReturnType<typeof slowly>) {
  const of = (kind: string) => touches.filter((touch) => touch.kind === kind).length;
  return {
    total: touches.length,
    fetch: of("fetch"),
    load: of("load"),
    store: of("store"),
    modify: of("modify"),
  };
}

describe.each(SAMPLES)("%s", (file, format, parse, like) => {
  const text = textOf(file);
  const touches = slowly(parse, text);

  test("is recognised, and has the slow parser's references", async () => {
    const { trace } = await replayJson(data(file));
    expect(trace.format).toBe(format);
    expect(trace.references).toEqual(countsOf(touches));
    expect(trace.pages).toBe(new Set(touches.map(({ vpn }) => vpn)).size);
  });

  test("is recognised compressed, and from a pipe", async () => {
    const expected = comparable(await replayJson(data(file)));
    const gzipped = await replayJson(write(folder, gzipSync(text)));
    const piped = await replayJson("-", [], { input: text });
    expect([comparable(gzipped), comparable(piped)]).toEqual([expected, expected]);
  });

  test("packed and unpacked is the slow parser's page string, with its kinds", async () => {
    const path = `${folder}/${file}.cht`;
    expect((await clockhand(["pack", data(file), "-o", path])).code).toBe(0);
    const ids = await clockhand(["unpack", path, "--as", "ids"]);
    expect(ids.stdout).toBe(`${pageIds(touches.map(({ vpn }) => `${vpn}`)).join("\n")}\n`);
    const csv = await clockhand(["unpack", path, "--as", "csv"]);
    const unpacked = csv.stdout
      .trimEnd()
      .split("\n")
      .slice(1)
      .flatMap((line) => {
        const [, page, kind, count] = line.split(",");
        return Array.from({ length: Number(count) }, () => `${page} ${kind}`);
      });
    expect(unpacked).toEqual(touches.map(({ vpn, kind }) => `${vpn} ${kind}`));
  });

  test("long, counts the same with any number of workers", async () => {
    const copies = Math.ceil((2.5 * 2 ** 20) / text.length);
    const path = write(folder, text.repeat(copies));
    const [one, two, three] = await Promise.all(
      ["1", "2", "3"].map((workers) => replayJson(path, ["--frames", "20", "--workers", workers])),
    );
    expect(one!.trace.references.total).toBe(copies * touches.length);
    expect(comparable(two!)).toEqual(comparable(one!));
    expect(comparable(three!)).toEqual(comparable(one!));
  });

  test("with a bad line is refused: file, line, byte, what was expected and what was found", async () => {
    const lines = text.split("\n");
    const path = write(folder, [...lines.slice(0, 150), "0x12zz 4", ...lines.slice(150)].join("\n"));
    const outcome = await clockhand(["replay", path, "--format", format]);
    const byte = lines.slice(0, 150).join("\n").length + 1;
    expectRefusal(outcome, TRACE_ERROR, `${path}: line 151 (byte ${byte})`, like, '"0x12zz 4"');
  });

  test("with bad lines that are skipped counts them", async () => {
    const path = write(folder, `${text}what is this?\n${text}and this\n`);
    const { trace } = await replayJson(path, ["--skip-bad-lines"]);
    expect(trace.skipped).toBe(2);
    expect(trace.references.total).toBe(2 * touches.length);
  });

  test("cut off inside a line is refused, or ends with that line", async () => {
    const whole = text.trimEnd().split("\n").slice(0, 100).join("\n");
    for (const length of [whole.length - 1, whole.length - 5, whole.length - 9]) {
      const path = write(folder, whole.slice(0, length));
      const outcome = await clockhand(["replay", path, "--json"]);
      const { error, touches: left } = parse(whole.slice(0, length), { pageShift: 12 });
      if (error === undefined) expect(JSON.parse(outcome.stdout).trace.references).toEqual(countsOf(left));
      else expectRefusal(outcome, TRACE_ERROR, `line ${error.line} `);
    }
  });
});

describe("pinatrace:fetches=yes", () => {
  test("makes a fetch of each line's instruction", async () => {
    const path = data("simple.pinatrace");
    const { touches } = parsePinatrace(textOf("simple.pinatrace"), { pageShift: 12 }, true);
    const { trace } = await replayJson(path, ["--format", "pinatrace:fetches=yes"]);
    expect(trace.references).toEqual(countsOf(touches));
    expect(trace.references.fetch).toBeGreaterThan(0);
  });

  test("is refused with another value", async () => {
    const outcome = await clockhand(["replay", data("simple.pinatrace"), "--format", "pinatrace:fetches=1"]);
    expectRefusal(outcome, USER_ERROR, "fetches=1", "yes", "no");
  });

  test("is refused of another format", async () => {
    const outcome = await clockhand(["replay", data("mixed.din"), "--format", "din:fetches=yes"]);
    expectRefusal(outcome, USER_ERROR, 'format din has no parameter "fetches"');
  });
});

test("a trace read as another format is refused at its first line", async () => {
  for (const [file, format] of SAMPLES) {
    for (const [, other] of SAMPLES.filter(([, name]) => name !== format)) {
      const outcome = await clockhand(["replay", data(file), "--format", other]);
      expectRefusal(outcome, TRACE_ERROR, "line ", "byte ");
    }
  }
});
