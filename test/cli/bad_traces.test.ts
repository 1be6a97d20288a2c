/** Traces that are missing, unreadable, damaged or none at all. */

import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  clockhand,
  comparable,
  data,
  expectRefusal,
  MAIN,
  MIXED,
  parseReport,
  replayJson,
  shell,
  start,
  TRACE_ERROR,
  temporaryFolder,
  USER_ERROR,
  write,
} from "./support.ts";

const folder = temporaryFolder();
const lines = readFileSync(MIXED, "latin1").trimEnd().split("\n");

describe.concurrent("a file that cannot be read", () => {
  test("is missing", async () => {
    const path = `${folder}/none.lackey`;
    expectRefusal(await clockhand(["replay", path]), USER_ERROR, path, "no such file");
  });

  test("is a folder", async () => {
    expectRefusal(await clockhand(["replay", folder]), USER_ERROR, folder, "folder");
  });

  test("lies in what is no folder", async () => {
    expectRefusal(await clockhand(["replay", `${MIXED}/x`]), USER_ERROR, `${MIXED}/x`);
  });

  test("is nobody's business: no permission", async () => {
    const path = write(folder, "I  04001000,3\n", "secret");
    chmodSync(path, 0o000);
    if (process.getuid?.() !== 0) {
      expectRefusal(await clockhand(["replay", path]), USER_ERROR, path, "permission");
      return;
    }
    // Root reads everything unless the capabilities for that are taken away.
    const drop = "--bounding-set=-dac_override,-dac_read_search";
    const { outcome } = start("setpriv", [drop, process.execPath, MAIN, "replay", path]);
    expectRefusal(await outcome, USER_ERROR, path, "permission");
  });

  test("has a name with a line break, which does not break the line", async () => {
    expectRefusal(await clockhand(["replay", `${folder}/no\nne`]), USER_ERROR, "no such file");
  });

  test("has an empty name", async () => {
    expectRefusal(await clockhand(["replay", ""]), USER_ERROR);
  });
});

describe.concurrent("what is no trace", () => {
  const binary = Uint8Array.from({ length: 5000 }, (_, index) => (index * index * 31 + 7) % 256);
  const cases: [string, Uint8Array | string, ...string[]][] = [
    ["an empty file", "", "empty"],
    ["a single line feed", "\n"],
    ["a binary file", binary, "no trace", "lackey"],
    [
      "a text about something else",
      "Dear Sir or Madam,\n\nI  write to you\n".repeat(50),
      "no trace",
      "lackey",
    ],
    ["a megabyte without a line feed", "I".repeat(1 << 20), "no trace"],
    ["zeros", new Uint8Array(100_000), "no trace"],
  ];
  test.each(cases)("%s", async (_, content, ...says) => {
    const path = write(folder, content);
    expectRefusal(await clockhand(["replay", path]), TRACE_ERROR, path, ...says);
  });

  test.each([cases[1]!, cases[2]!, cases[4]!])("%s, on standard input", async (_, content, ...says) => {
    expectRefusal(
      await clockhand(["replay", "-"], { input: content }),
      TRACE_ERROR,
      "standard input",
      ...says,
    );
  });

  test("an empty standard input", async () => {
    expectRefusal(await clockhand(["replay", "-"]), TRACE_ERROR, "standard input", "empty");
  });

  test("a binary file that --format says is lackey: its first line is bad", async () => {
    const outcome = await clockhand(["replay", write(folder, binary), "--format", "lackey"]);
    expectRefusal(outcome, TRACE_ERROR, "line 1", "byte 0");
  });

  const messages = "==1== Lackey, an example Valgrind tool\n==1== Command: ls\n==1== \n";

  test("messages of Valgrind's without a reference", async () => {
    expectRefusal(await clockhand(["replay", write(folder, messages)]), TRACE_ERROR, "no reference");
  });

  test("messages without a reference, from a pipe", async () => {
    expectRefusal(await clockhand(["replay", "-"], { input: messages }), TRACE_ERROR, "no reference");
  });

  test("references, but none of the kinds that --include names", async () => {
    const path = write(folder, " L 1000,4\n L 2000,4\n");
    const outcome = await clockhand(["replay", path, "--include", "fetch"]);
    expectRefusal(outcome, outcome.code === USER_ERROR ? USER_ERROR : TRACE_ERROR, "no reference");
  });
});

describe.concurrent("a line of garbage", () => {
  const garbage = (at: number, line: string) =>
    write(folder, [...lines.slice(0, at), line, ...lines.slice(at)].join("\n"));
  const byteOf = (at: number) => lines.slice(0, at).join("\n").length + (at > 0 ? 1 : 0);

  test("in the middle: file, line, byte, what was expected and what was found", async () => {
    const path = garbage(300, "what is this?");
    const outcome = await clockhand(["replay", path]);
    expectRefusal(outcome, TRACE_ERROR, `${path}: line 301 (byte ${byteOf(300)})`);
    expectRefusal(outcome, TRACE_ERROR, "expected", "I  04001090,3", '"what is this?"', "--skip-bad-lines");
  });

  test("far into a long trace: the line and the byte are of the whole file", async () => {
    const block = `${lines.join("\n")}\n`;
    const path = write(folder, `${block.repeat(300)} L 12zz,4\n${block}`);
    const outcome = await clockhand(["replay", path]);
    expectRefusal(outcome, TRACE_ERROR, `line ${300 * lines.length + 1} (byte ${300 * block.length})`);
  });

  test("in a compressed trace: the byte is of the text", async () => {
    const long = await shell('(cat "$trace"; echo oops; cat "$trace") | gzip | clockhand replay -', MIXED);
    const size = readFileSync(MIXED).length;
    expectRefusal(long, TRACE_ERROR, `standard input: line 601 (byte ${size})`, '"oops"');
  });

  const bad: [string, string][] = [
    ["no size", " L 1000"],
    ["no address", " L ,4"],
    ["a size of nothing", " L 1000,0"],
    ["an address that is no number", " L 10g0,4"],
    ["an address longer than 64 bits", " L 10000000000000000,4"],
    ["a kind that is none", " X 1000,4"],
    ["a load where fetches stand", "L  1000,4"],
    ["something behind the size", " L 1000,4 x"],
    ["a NUL in it", " L 10\u000000,4"],
    ["a byte beyond ASCII", " L 10\u00e900,4"],
  ];
  test.each(bad)("%s", async (_, line) => {
    expectRefusal(await clockhand(["replay", garbage(100, line)]), TRACE_ERROR, "line 101 ");
  });

  test("as the last line, without its end, as a recording that was cut off has it", async () => {
    const path = write(folder, `${lines.slice(0, 50).join("\n")}\n L 1ff`);
    expectRefusal(await clockhand(["replay", path]), TRACE_ERROR, "line 51 ");
  });

  test("of a megabyte is quoted only in part", async () => {
    expectRefusal(await clockhand(["replay", garbage(200, "I".repeat(1 << 20))]), TRACE_ERROR, "line 201 ");
  });

  test("of three megabytes, longer than any buffer, is quoted only in part", async () => {
    expectRefusal(await clockhand(["replay", garbage(200, " L ".repeat(1 << 20))]), TRACE_ERROR, "line 201 ");
  });
});

describe.concurrent("--skip-bad-lines", () => {
  const long = "x".repeat(1 << 20);
  const bad = ["what is this?", " L 12zz,4", long, " X 1000,4", "I  1000"];
  const mixedUp = lines.flatMap((line, index) =>
    index % 100 === 50 ? [line, bad[index % 5]!, long] : [line],
  );
  const count = mixedUp.length - lines.length;

  test("counts them, and the rest is replayed as if they were not there", async () => {
    const clean = await replayJson(MIXED);
    const skipped = await replayJson(write(folder, mixedUp.join("\n")), ["--skip-bad-lines"]);
    expect(skipped.trace.skipped).toBe(count);
    expect({ ...skipped.trace, skipped: 0, path: "" }).toEqual({ ...clean.trace, path: "" });
    expect(skipped.result).toEqual(clean.result);
  });

  test("counts the same in two workers and from a pipe", async () => {
    const text = mixedUp.join("\n");
    const path = write(folder, text);
    const [one, two, pipe] = await Promise.all([
      replayJson(path, ["--skip-bad-lines", "--workers", "1"]),
      replayJson(path, ["--skip-bad-lines", "--workers", "2"]),
      replayJson("-", ["--skip-bad-lines"], { input: text }),
    ]);
    expect(comparable(two)).toEqual(comparable(one));
    expect(comparable(pipe)).toEqual(comparable(one));
  });

  test("tells people how many", async () => {
    const { stdout } = await clockhand(["replay", write(folder, mixedUp.join("\n")), "--skip-bad-lines"]);
    expect(stdout).toMatch(new RegExp(`skipped +${count} bad lines`));
  });

  test("does not make a trace of what holds no reference", async () => {
    const path = write(folder, "garbage\n".repeat(1000));
    const outcome = await clockhand(["replay", path, "--skip-bad-lines", "--format", "lackey"]);
    expectRefusal(outcome, TRACE_ERROR, "no reference");
  });

  test("does not excuse a truncated file", async () => {
    const cut = write(folder, readFileSync(data("really-xz.lackey.gz")).subarray(0, 1000));
    expectRefusal(await clockhand(["replay", cut, "--skip-bad-lines"]), TRACE_ERROR, "xz");
  });
});

const COMPRESSED = {
  gzip: data("really-gzip.lackey.zst"),
  zstd: data("really-zstd.lackey.xz"),
  xz: data("really-xz.lackey.gz"),
  bzip2: data("mixed.lackey.bz2"),
  lz4: data("mixed.lackey.lz4"),
};

describe.concurrent("a truncated", () => {
  for (const [name, source] of Object.entries(COMPRESSED)) {
    const bytes = readFileSync(source);
    const places = [8, 100, Math.floor(bytes.length / 2), bytes.length - 1];
    test.each(places)(`${name}, after %d bytes`, async (length) => {
      const path = write(folder, bytes.subarray(0, length));
      expectRefusal(await clockhand(["replay", path, "--json"]), TRACE_ERROR, path, name, "truncated");
    });

    test(`${name}, on standard input`, async () => {
      const outcome = await clockhand(["replay", "-", "--json"], { input: bytes.subarray(0, -20) });
      expectRefusal(outcome, TRACE_ERROR, "standard input", name, "truncated");
    });

    test(`${name}, in its second piece`, async () => {
      const path = write(folder, Buffer.concat([bytes, bytes.subarray(0, 500)]));
      expectRefusal(await clockhand(["replay", path, "--json"]), TRACE_ERROR, path, name, "truncated");
    });

    test(`${name}, in two workers`, async () => {
      const path = write(folder, bytes.subarray(0, -100));
      const args = ["replay", path, "--json", "--workers", "2", "--frames", "10"];
      expectRefusal(await clockhand(args), TRACE_ERROR, path, name, "truncated");
    });
  }
});

describe.concurrent("a flipped bit in", () => {
  /** Past the headers, whose fields for names and times may be anything. */
  const FIRST = 30;
  for (const [name, source] of Object.entries(COMPRESSED)) {
    const bytes = readFileSync(source);
    const places = [FIRST + 1, Math.floor(bytes.length / 2), bytes.length - 6];
    test.each(places)(`${name}, in byte %d`, async (place) => {
      const flipped = Buffer.from(bytes);
      flipped[place]! ^= 0x10;
      const path = write(folder, flipped);
      expectRefusal(await clockhand(["replay", path, "--json"]), TRACE_ERROR, path, name);
    });

    test(`${name}, in its second piece`, async () => {
      const flipped = Buffer.concat([bytes, bytes]);
      flipped[bytes.length + 700]! ^= 0x10;
      const path = write(folder, flipped);
      expectRefusal(await clockhand(["replay", path, "--json"]), TRACE_ERROR, path, name);
    });
  }

  test("zstd without a checksum: refused, or a trace all the same", async () => {
    const flipped = readFileSync(data("unchecked.zst"));
    flipped[1500]! ^= 0x10;
    const outcome = await clockhand(["replay", write(folder, flipped), "--json"]);
    if (outcome.code !== 0) expectRefusal(outcome, TRACE_ERROR);
    else parseReport(outcome);
  });
});

describe.concurrent("garbage behind the end of", () => {
  test.each(Object.entries(COMPRESSED))("%s", async (name, source) => {
    const path = write(folder, Buffer.concat([readFileSync(source), Buffer.from("garbage behind it")]));
    expectRefusal(await clockhand(["replay", path, "--json"]), TRACE_ERROR, path, name);
  });
});

describe.concurrent("an address that the machine has not", () => {
  const trace = write(folder, "I  04001000,3\n L 1ffeffe7e0,8\n L 04001000,4\n");

  test.each(["i386", "pae"])("%s has 32 bits", async (machine) => {
    const outcome = await clockhand(["replay", trace, "--machine", machine]);
    expectRefusal(outcome, USER_ERROR, trace, machine, "1ffeffe");
  });

  test("the last byte of 32 bits fits i386, the one behind it does not", async () => {
    const fits = write(folder, " L ffffffff,1\n");
    const beyond = write(folder, " L ffffffff,2\n");
    expect((await replayJson(fits, ["--machine", "i386"])).trace.references.total).toBe(1);
    expectRefusal(await clockhand(["replay", beyond, "--machine", "i386"]), USER_ERROR, "i386");
  });

  test("x86-64 has 48 bits, sign-extended: a kernel's addresses fit, a hole's do not", async () => {
    const kernel = write(folder, " L ffff888000001000,8\n L 00007fffffffe000,8\n");
    const hole = write(folder, " L 0000900000001000,8\n");
    expect((await replayJson(kernel)).trace.pages).toBe(2);
    expectRefusal(await clockhand(["replay", hole]), USER_ERROR, "x86-64");
  });

  test("five levels have 57 bits", async () => {
    const wide = write(folder, " L 0000900000001000,8\n");
    const { trace } = await replayJson(wide, ["--machine", "sapphire-rapids"]);
    expect(trace.pages).toBe(1);
  });
});

test("a folder in which nothing can be written for temporary files is named", async () => {
  mkdirSync(`${folder}/sub`);
  const env = { TMPDIR: `${folder}/sub/none` };
  const outcome = await clockhand(["replay", "-", "--json"], { input: readFileSync(MIXED), env });
  expectRefusal(outcome, USER_ERROR, "TMPDIR");
});
