/**
 * Traces in columns and perf's samples on the command line: what is counted, by any workers, and what is
 * refused.
 */

import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import {
  clockhand,
  expectRefusal,
  parseReport,
  shell,
  TRACE_ERROR,
  temporaryFolder,
  USER_ERROR,
  write,
} from "./support.ts";

const folder = temporaryFolder();

interface Packed {
  trace: { path: string; pages: number; skipped: number; references: Record<string, number> };
}

/** What `pack` counts, and the ids that `unpack` gives. */
async function packed(
  trace: string,
  args: readonly string[] = [],
): Promise<Omit<Packed["trace"], "path"> & { ids: string }> {
  const output = `${trace}-${Math.random().toString(36).slice(2)}.cht`;
  const outcome = await clockhand(["pack", trace, "-o", output, "--json", ...args]);
  const { path: _, ...counted } = (parseReport(outcome) as unknown as Packed).trace;
  const ids = await clockhand(["unpack", output]);
  return { ...counted, ids: ids.stdout };
}

const MSR = [
  "128166372003061629,hm,0,Read,8192,4096,559",
  "128166372016382155,hm,0,Write,8192,4096,12",
  "128166372026382245,hm,1,Read,8192,512,8",
  "128166372036382245,web,0,Read,8192,512,8",
].join("\n");

describe.concurrent("the formats that are csv", () => {
  test("msr: a disk of a host is a volume", async () => {
    const { pages, references } = await packed(write(folder, `${MSR}\n`));
    expect(pages).toBe(3);
    expect(references).toMatchObject({ total: 4, load: 3, store: 1 });
  });

  test("twitter: keys by name, deletes are none", async () => {
    const line = (key: string, op: string) => `0,${key},4,10,1,${op},0\n`;
    const text =
      line("user:1", "get") + line("user:2", "set") + line("user:1", "incr") + line("user:1", "delete");
    const { pages, references } = await packed(write(folder, text));
    expect(pages).toBe(2);
    expect(references).toEqual({ total: 3, fetch: 0, load: 1, store: 1, modify: 1 });
  });

  test("cachelib: columns by the header's names, counts", async () => {
    const text = "op_time,key,key_size,op,op_count,size\n1,a,1,GET,5,9\n2,b,1,SET,1,9\n3,a,1,DELETE,9,9\n";
    const { pages, references } = await packed(write(folder, text));
    expect(pages).toBe(2);
    expect(references).toMatchObject({ total: 6, load: 5, store: 1 });
  });

  test("spc and fiu: sectors of units and devices", async () => {
    const spc = await packed(
      write(folder, "0,20941264,8192,W,0.551706\n0,20939840,8192,r,0.554041\n1,20939840,8192,R,0.6\n"),
    );
    expect(spc.pages).toBe(3);
    expect(spc.references).toMatchObject({ load: 2, store: 1 });
    const md5 = "0123456789abcdef0123456789abcdef";
    const fiu = await packed(
      write(folder, `329131208190249 4892 syslogd 904265560 8 W 6 0 ${md5}\n1 2 x 8 8 R 6 0 ${md5}\n`),
    );
    expect(fiu.references).toMatchObject({ total: 2, load: 1, store: 1 });
  });

  test("csv: any columns, compressed or not", async () => {
    const text = "when;what;who\n1;R;ann\n2;W;bob\n3;R;ann\n";
    const format = ["--format", "csv:id=who,op=what,delimiter=semicolon"];
    const plain = await packed(write(folder, text), format);
    expect(plain).toMatchObject({ pages: 2, references: { total: 3, load: 2, store: 1 } });
    expect(await packed(write(folder, gzipSync(text)), format)).toEqual(plain);
    const numbered = ["--format", "csv:id=3,op=2,delimiter=semicolon,header=yes"];
    expect(await packed(write(folder, text), numbered)).toEqual(plain);
  });

  test("csv: addresses of several processes, replayed", async () => {
    const path = write(folder, "pid,addr,size\n7,0x7f0000001000,8\n9,0x7f0000001000,8\n7,0x7f0000001ffc,8\n");
    const spec = "csv:address=addr,asid=pid,size=size";
    const outcome = await clockhand(["replay", path, "--frames", "4", "--format", spec, "--json"]);
    expect(parseReport(outcome).trace).toMatchObject({ pages: 3, references: { total: 4 } });
  });

  test("on standard input", async () => {
    const outcome = await shell(
      'clockhand pack - -o "$trace.cht" --json < "$trace"',
      write(folder, `${MSR}\n`),
    );
    expect((parseReport(outcome) as unknown as Packed).trace.references.total).toBe(4);
  });
});

describe.concurrent("a trace of several pieces", () => {
  const lines = Array.from(
    { length: 60_000 },
    (_, line) =>
      `${128166372003061629n + BigInt(line)},hm,0,${line % 3 ? "Read" : "Write"},${(line * line) % 999_983},512,1`,
  );
  const big = `ts,host,disk,type,offset,size,rt\n${lines.join("\n")}\n`;
  const format = ["--format", "csv:id=host+disk,offset=offset,op=type"];

  test("is the same to one worker and to three", async () => {
    const path = write(folder, big);
    const one = await packed(path, [...format, "--workers", "1"]);
    expect(one.references).toMatchObject({ total: 60_000, store: 20_000 });
    expect(await packed(path, [...format, "--workers", "3"])).toEqual(one);
  });

  test("has processes in the order of appearance, whatever the workers", async () => {
    const path = write(
      folder,
      `${lines.map((_, line) => `${(line * 7919) % 101},${line * 4096}`).join("\n")}\n`.repeat(3),
    );
    const spec = ["--format", "csv:asid=1,address=2"];
    const one = await packed(path, [...spec, "--workers", "1"]);
    expect(await packed(path, [...spec, "--workers", "3"])).toEqual(one);
  });

  test.each(["1", "3"])("tells the line of an error, the header counted (%s workers)", async (workers) => {
    const bad = `${big}128166372003061629,hm,0,Rewind,1,512,1\n`;
    const path = write(folder, bad);
    const output = `${path}.cht`;
    const outcome = await clockhand(["pack", path, "-o", output, ...format, "--workers", workers]);
    expectRefusal(
      outcome,
      TRACE_ERROR,
      `${path}: line 60002 (byte ${big.length}): expected `,
      "op such as r",
      "Rewind",
    );
  });
});

describe.concurrent("columns that make no sense", () => {
  const path = write(folder, "a,b\n1,2\n");
  test.each([
    ["csv", "name the column", "csv:id=1"],
    ["csv:id=0", "columns count from 1"],
    ["csv:id=65", "columns count from 1 to 64"],
    ["csv:id=c", '"c"', "a, b"],
    ["csv:id=c,header=no", '"c"', "give its number"],
    ["csv:id=1+2+1", "of one column or of two"],
    ["csv:id=1,delimiter=tabs", "delimiter=tabs"],
    ["csv:id=1,delimiter=x", "delimiter=x"],
    ["csv:id=1,hash=maybe", "hash=maybe", "auto, yes, no"],
    ["csv:id=1,header=perhaps", "header=perhaps"],
    ["csv:id=1,other=fetch", "other=fetch"],
    ["csv:id=1,size=2", "size goes with offset or address"],
    ["csv:id=1,address=2", "exclude each other"],
    ["csv:id=1,asid=2", "asid goes with address"],
    ["csv:offset=1,offset-unit=0", "offset-unit=0"],
    ["csv:id=1,load=thisisfartoolongtobeanop", '"thisisfartoolongtobeanop"'],
    ["csv:id=1,ids=2", '"ids"', 'did you mean "id"'],
    ["csv:id", '"id"', "param=value"],
    ["perf-script:fields=addr", "time or event"],
    ["perf-script:fields=time,adr", '"adr"', 'did you mean "addr"'],
  ])("%s", async (spec, ...says) => {
    expectRefusal(await clockhand(["sweep", path, "--format", spec, "--frames", "4"]), USER_ERROR, ...says);
  });

  test.each([
    ["msr", "a,b\n"],
    ["csv:id=3", "1,2\n3,4\n"],
    ["csv:id=1,hash=no", "1\n2\nthree\n"],
    ["csv:offset=1", "1\n99999999999999999999\n"],
    ["csv:id=1", '"a\nb"\n'],
    ["csv:id=2,header=yes", "x".repeat(9000)],
    ["perf-script:fields=time,event,addr", "nothing of the sort\n"],
  ])("%s, and a trace that is none", async (spec, text) => {
    const trace = write(folder, text);
    const outcome = await clockhand(["pack", trace, "-o", `${trace}.cht`, "--format", spec]);
    expectRefusal(outcome, TRACE_ERROR, trace, /line \d+ \(byte \d+\): expected /);
  });
});

test("DAMON's regions are nothing to replay", async () => {
  const line =
    "kdamond.0 4452 [000] 82877.315633: damon:damon_aggregated: target_id=7 nr_regions=1 4096-8192: 5 3\n";
  const path = write(folder, line);
  expectRefusal(
    await clockhand(["replay", path]),
    USER_ERROR,
    path,
    "no references to replay",
    '"clockhand info"',
  );
});
