/** `pack` and `unpack`: what goes in comes out, on the command line. */

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  clockhand,
  comparable,
  distinctPages,
  expectRefusal,
  INTERRUPTED,
  loopTrace,
  MIXED,
  mixedReferences,
  opened,
  replayJson,
  shell,
  skewedTrace,
  start,
  startClockhand,
  TRACE_ERROR,
  temporaryFolder,
  USER_ERROR,
  write,
} from "./support.ts";

const folder = temporaryFolder();
const mixed = readFileSync(MIXED, "latin1");

let names = 0;
const target = () => `${folder}/packed-${names++}.cht`;

async function packed(trace: string, ...args: string[]): Promise<string> {
  const path = target();
  const { code, stderr } = await clockhand(["pack", trace, "-o", path, ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return path;
}

async function unpacked(trace: string, as: string): Promise<string> {
  const { code, stderr, stdout } = await clockhand(["unpack", trace, "--as", as]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

describe("a packed trace", () => {
  test("unpacked as ids is the page string of a slow parser", async () => {
    const ids = new Map<number, number>();
    const expected = mixedReferences().map(({ page }) => {
      if (!ids.has(page)) ids.set(page, ids.size);
      return ids.get(page);
    });
    expect(await unpacked(await packed(MIXED), "ids")).toBe(`${expected.join("\n")}\n`);
  });

  test("unpacked as CSV has pages, kinds and lengths, which add up to the slow parser's", async () => {
    const csv = await unpacked(await packed(MIXED), "csv");
    const [head, ...lines] = csv.trimEnd().split("\n");
    expect(head).toBe("asid,page,kind,references");
    const references = lines.flatMap((line) => {
      const [asid, page, kind, count] = line.split(",");
      expect(asid).toBe("0");
      return Array.from({ length: Number(count) }, () => ({ kind, page: Number(page) }));
    });
    expect(references).toEqual(mixedReferences());
  });

  test("unpacked as lackey text replays as the trace it came from", async () => {
    const text = await unpacked(await packed(MIXED), "lackey");
    const [one, other] = await Promise.all(
      [write(folder, text), MIXED].map((path) => replayJson(path, ["--frames", "20"])),
    );
    expect(comparable(other!)).toEqual(comparable(one!));
  });

  test.each([
    ["with so many frames", ["--frames", "20"]],
    ["with a share of the pages as frames", ["--frames", "30%"]],
    ["under OPT", ["--policy", "opt", "--frames", "10"]],
    ["with stores only", ["--include", "store", "--frames", "30%"]],
    ["with stores only, under OPT", ["--include", "store", "--policy", "opt", "--frames", "30%"]],
    ["with advice", ["--policy", "lru", "--frames", "6"]],
  ])("replays as its source does %s", async (_, args) => {
    const onlyLoaded = loopTrace(100, 1).replaceAll(" L 1", " L 2");
    const source = write(folder, onlyLoaded + skewedTrace(300, 20_000));
    const [fromSource, fromPacked] = await Promise.all([
      replayJson(source, args),
      packed(source).then((path) => replayJson(path, args)),
    ]);
    expect(fromPacked.trace.format).toBe("cht");
    fromPacked.trace.format = fromSource.trace.format;
    expect(comparable(fromPacked)).toEqual(comparable(fromSource));
  });

  test("replays as its source does where few of its pages are of the kinds that are included", async () => {
    const args = ["--include", "fetch", "--frames", "3"];
    const [fromSource, fromPacked] = await Promise.all([
      replayJson(MIXED, args),
      packed(MIXED).then((path) => replayJson(path, args)),
    ]);
    expect(fromPacked.result).toEqual(fromSource.result);
  });

  test("is the same file for any number of workers, from a pipe but for the hash of its source", async () => {
    const source = write(folder, mixed.repeat(150));
    const [one, two, three] = await Promise.all(
      ["1", "2", "3"].map((workers) => packed(source, "--workers", workers)),
    );
    expect(readFileSync(two!)).toEqual(readFileSync(one!));
    expect(readFileSync(three!)).toEqual(readFileSync(one!));
    const piped = target();
    await shell(`cat "$trace" | clockhand pack - -o "${piped}"`, source);
    const header = 160;
    const runsOf = (path: string) => readFileSync(path).subarray(header, 1000);
    expect(runsOf(piped)).toEqual(runsOf(one!));
    const sha256 = createHash("sha256").update(readFileSync(source)).digest("hex");
    expect(readFileSync(one!).subarray(96, 128).toString("hex")).toBe(sha256);
    expect(readFileSync(piped).subarray(96, 128).toString("hex")).toBe("00".repeat(32));
  });

  test("packed again with stores only has the pages that are stored to", async () => {
    const path = await packed(await packed(MIXED), "--include", "store");
    const stores = mixedReferences().filter(({ kind }) => kind === "store" || kind === "modify");
    const report = await replayJson(path, ["--frames", "5"]);
    expect(report.trace.pages).toBe(distinctPages(stores));
    expect(report.trace.references.total).toBe(stores.length);
  });

  test("of ids comes back as the ids, whatever their size", async () => {
    const ids = ["0", "18446744073709551615", "5", "5", "4503599627370496", "0"];
    const source = write(folder, `*\n${ids.join("\r\n")}\n\n`);
    expect(await unpacked(await packed(source, "--format", "ids"), "ids")).toBe(`${ids.join("\n")}\n`);
  });

  test("says on standard output how large it is, and as JSON what it holds", async () => {
    const path = target();
    const { stdout } = await clockhand(["pack", MIXED, "-o", path]);
    expect(stdout).toMatch(/references to \d+ pages; .* runs in .*, [\d.]+ bytes a run/);
    const json = await clockhand(["pack", MIXED, "-o", path, "--json"]);
    const report = JSON.parse(json.stdout);
    expect(report.command).toBe("pack");
    expect(report.output).toEqual({
      path,
      bytes: readFileSync(path).length,
      bytes_per_run: readFileSync(path).length / report.trace.runs,
    });
    expect(report.trace.references.total).toBe(mixedReferences().length);
  });
});

describe("pack refuses", () => {
  test("a trace with a bad line, and leaves nothing", async () => {
    const path = target();
    const bad = write(folder, `${mixed}garbage\n`);
    expectRefusal(await clockhand(["pack", bad, "-o", path]), TRACE_ERROR, "line 601", "garbage");
    expect(readdirSync(folder).filter((name) => path.endsWith(name) || name.includes(".part-"))).toEqual([]);
  });

  test("a folder as its output", async () => {
    expectRefusal(await clockhand(["pack", MIXED, "-o", folder]), USER_ERROR, folder, "folder");
  });

  test("a folder that is not there", async () => {
    const path = `${folder}/none/x.cht`;
    expectRefusal(await clockhand(["pack", MIXED, "-o", path]), USER_ERROR, path, "no such folder");
  });

  test("to go on when it is interrupted, and leaves nothing", async () => {
    const source = write(folder, skewedTrace(3000, 300_000).repeat(60));
    const path = target();
    const running = startClockhand(["pack", source, "-o", path, "--workers", "1"]);
    await opened(running, source);
    running.child.kill("SIGINT");
    expectRefusal(await running.outcome, INTERRUPTED, "interrupted");
    expect(readdirSync(folder).filter((name) => path.endsWith(name) || name.includes(".part-"))).toEqual([]);
  });

  test("a disk without room, and leaves nothing half-written there", async () => {
    const small = `${folder}/small`;
    mkdirSync(small);
    const source = write(folder, skewedTrace(20_000, 400_000));
    // A file system of its own, gone with the process: user namespaces need no root.
    const script = `mount -t tmpfs -o size=64k none "${small}" && "$0" "$1" pack "$2" -o "${small}/x.cht"; code=$?; ls -A "${small}"; exit $code`;
    const { MAIN } = await import("./support.ts");
    const unshare = ["--mount", "--map-root-user", "bash", "-c", script, process.execPath, MAIN, source];
    const { code, stdout, stderr } = await start("unshare", unshare).outcome;
    expect(stderr).toMatch(/^clockhand: .*no space left on the disk; nothing half-written is left there\n$/);
    expect({ code, stdout }).toEqual({ code: USER_ERROR, stdout: "" });
  });
});

describe("a packed trace through a pipe", () => {
  test("is met with a line that says what to do", async () => {
    const input = readFileSync(await packed(MIXED));
    expectRefusal(await clockhand(["replay", "-"], { input }), USER_ERROR, "packed trace", "plain file");
  });

  test("with another page size than it was packed with is refused", async () => {
    const path = await packed(MIXED);
    const outcome = await clockhand(["replay", path, "--page-size", "2MiB"]);
    expectRefusal(outcome, USER_ERROR, path, "4096 bytes", "--page-size");
  });
});

describe("unpack refuses", () => {
  test("objects as lackey text", async () => {
    const path = await packed(write(folder, "1\n2\n3\n"));
    expectRefusal(await clockhand(["unpack", path, "--as", "lackey"]), USER_ERROR, "objects", "ids or csv");
  });

  test("what is no packed trace", async () => {
    expectRefusal(await clockhand(["unpack", MIXED]), TRACE_ERROR, MIXED);
  });
});
