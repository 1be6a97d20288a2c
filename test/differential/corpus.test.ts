/*
 * Every reader on damaged traces: each file of the seed corpus, cut off and changed at random. Whatever
 * comes, the reader ends, and refuses with a message that names the file, or reads references, as many as it
 * counts.
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { Engine } from "../../src/engine/engine.ts";
import { TraceError, UserError } from "../../src/errors.ts";
import type { TraceTask } from "../../src/run/tasks.ts";
import { textSetup } from "../../src/run/text_runs.ts";
import { openTraceRuns } from "../../src/run/trace_runs.ts";
import { FORMATS } from "../../src/trace/formats/index.ts";
import { temporaryFolder, write } from "../cli/support.ts";
import { parseAddress } from "../reference/address.ts";
import { parseDin, parseXdin } from "../reference/dinero.ts";
import { parseDrmemtrace } from "../reference/drmemtrace.ts";
import { parseLackey } from "../reference/lackey.ts";
import type { LineOptions, LineResult } from "../reference/lines.ts";
import { parseIds, parseOracleGeneral } from "../reference/objects.ts";
import { parsePinatrace } from "../reference/pinatrace.ts";
import {
  parseChampsim,
  parseLcs,
  parseOldLcs,
  parseOracleGeneralOperations,
  parseVscsi,
  type RecordsOptions,
  type RecordsResult,
} from "../reference/records.ts";
import { DEBUG } from "../support/builds.ts";
import { readRuns } from "../support/engine_runs.ts";
import { Random } from "../support/random.ts";
import { mutated } from "../support/text_decoding.ts";

const CORPUS = fileURLToPath(new URL("../corpus/", import.meta.url));
const MUTANTS = 150;
const CUTS = 60;

const PAGES = { pageShift: 12 };

const ofLines = (parse: (text: string, options: LineOptions) => LineResult) => (bytes: Buffer) =>
  parse(bytes.toString("latin1"), PAGES).touches.length;

const ofRecords = (parse: (bytes: Uint8Array, options: RecordsOptions) => RecordsResult) => (bytes: Buffer) =>
  parse(bytes, PAGES).references.length;

const ofDrmemtrace = (bytes: Buffer) => parseDrmemtrace([{ chunks: [bytes] }], PAGES).touches.length;

/** References of every seed as it is: the slow parser's; of those written by hand, counted by hand. */
const SEEDS: Record<string, number | ((bytes: Buffer) => number)> = {
  "32.drmemtrace": ofDrmemtrace,
  "64.drmemtrace": ofDrmemtrace,
  // What 64.drmemtrace holds, as an archive of its chunks.
  "archive.drmemtrace": () => ofDrmemtrace(readFileSync(join(CORPUS, "64.drmemtrace"))),
  "champsim.champsim": ofRecords((bytes, options) => parseChampsim(bytes, false, options)),
  "cloudsuite.champsim": ofRecords((bytes, options) => parseChampsim(bytes, true, options)),
  "cluster.twitter": 5,
  "financial.spc": 4,
  "gzip.drmemtrace": (bytes) => ofDrmemtrace(gunzipSync(bytes)),
  "kv.cachelib": 11,
  "mail.fiu": 3,
  "manual.pinatrace": ofLines(parsePinatrace),
  "mem.perf-script": 3,
  "mixed.address": ofLines(parseAddress),
  "mixed.din": ofLines(parseDin),
  "mixed.ids": (bytes) => parseIds(bytes.toString("latin1")).objects.length,
  "mixed.lackey": ofLines(parseLackey),
  "mixed.xdin": ofLines(parseXdin),
  "old.lcs": ofRecords(parseOldLcs),
  "operations.oracle-general": ofRecords(parseOracleGeneralOperations),
  "plain.oracle-general": (bytes) => parseOracleGeneral(bytes).objects.length,
  "quoted.csv": 9,
  "simple.pinatrace": ofLines(parsePinatrace),
  "v1.lcs": ofRecords(parseLcs),
  "v1.vscsi": ofRecords((bytes, options) => parseVscsi(bytes, 1, options)),
  "v2.lcs": ofRecords(parseLcs),
  "v2.vscsi": ofRecords((bytes, options) => parseVscsi(bytes, 2, options)),
  "v3.lcs": ofRecords(parseLcs),
  "v8.lcs": ofRecords(parseLcs),
  "web.msr": 5,
};

const folder = temporaryFolder();

/** Options of the seeds whose format needs some. */
const OPTIONS: Record<string, string> = {
  "operations.oracle-general": ":op=yes",
  "quoted.csv": ":id=1,count=3",
};

function formatOf(file: string): string {
  return file.slice(file.lastIndexOf(".") + 1) + (OPTIONS[file] ?? "");
}

/** How many references a trace has, as many as its runs hold, or why it was refused. */
async function read(path: string, file: string): Promise<{ references: number } | { refusal: string }> {
  const format = formatOf(file);
  const task: TraceTask = {
    path,
    format,
    pageShift: 12,
    include: 15,
    skipBadLines: false,
    machine: undefined,
  };
  const engine = new Engine(DEBUG, {
    runs: { capacity: 20_000, interned: false, clairvoyant: false },
    text: textSetup(task),
    pages: 0,
  });
  try {
    const source = await openTraceRuns(task, engine);
    try {
      let made = 0;
      for (let runs = await source.next(); runs !== undefined; runs = await source.next()) {
        for (const run of readRuns(engine, runs)) made += run.references;
      }
      const { references } = source.decode();
      const counted = Object.values(references).reduce((sum, count) => sum + count, 0);
      if (counted !== made) throw new Error(`${counted} references counted, ${made} made`);
      return { references: counted };
    } finally {
      source.close();
    }
  } catch (error) {
    if (error instanceof TraceError || error instanceof UserError) return { refusal: error.message };
    throw error;
  }
}

it("the corpus has a seed of every format", () => {
  const formats = new Set(Object.keys(SEEDS).map((file) => formatOf(file).split(":")[0]));
  expect(formats).toEqual(new Set(FORMATS.map(({ name }) => name)));
  expect(readdirSync(CORPUS).filter((file) => file !== "README.md")).toEqual(Object.keys(SEEDS).sort());
});

describe.each(Object.entries(SEEDS))("%s", (file, references) => {
  const seed = readFileSync(join(CORPUS, file), "latin1");

  const survives = async (damaged: string, message: string) => {
    const path = write(folder, Buffer.from(damaged, "latin1"));
    const result = await read(path, file).catch((error) => {
      throw new Error(`${message}: ${JSON.stringify(damaged)}`, { cause: error });
    });
    if ("refusal" in result) expect(result.refusal, message).toContain(path);
    return "refusal" in result;
  };

  it("has its references", async () => {
    const expected = typeof references === "number" ? references : references(Buffer.from(seed, "latin1"));
    expect(await read(join(CORPUS, file), file)).toEqual({ references: expected });
  });

  it("is refused or read, wherever it is cut off", async () => {
    for (let length = 0; length < seed.length; length += Math.ceil(seed.length / CUTS)) {
      await survives(seed.slice(0, length), `cut off at ${length}`);
    }
  });

  it("is refused or read, however it is damaged", async () => {
    let refused = 0;
    for (let number = 0; number < MUTANTS; number += 1) {
      refused += Number(await survives(mutated(new Random(number), seed), `seed ${number}`));
    }
    expect(refused).toBeGreaterThan(0);
  });
});
