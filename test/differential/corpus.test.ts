/*
 * Every reader on damaged traces: each file of the seed corpus, cut off and changed at random. Whatever
 * comes, the reader ends, and refuses with a message that names the file, or reads references.
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Engine } from "../../src/engine/engine.ts";
import { TraceError, UserError } from "../../src/errors.ts";
import type { TraceTask } from "../../src/run/tasks.ts";
import { textSetup } from "../../src/run/text_runs.ts";
import { openTraceRuns } from "../../src/run/trace_runs.ts";
import { FORMATS } from "../../src/trace/formats/index.ts";
import { temporaryFolder, write } from "../cli/support.ts";
import { DEBUG } from "../support/builds.ts";
import { Random } from "../support/random.ts";
import { mutated } from "../support/text_decoding.ts";

const CORPUS = fileURLToPath(new URL("../corpus/", import.meta.url));
const MUTANTS = 150;
const CUTS = 60;

/** References of every seed as it is. */
const SEEDS: Record<string, number> = {
  "32.drmemtrace": 148,
  "64.drmemtrace": 181,
  "archive.drmemtrace": 181,
  "champsim.champsim": 68,
  "cloudsuite.champsim": 50,
  "cluster.twitter": 5,
  "financial.spc": 4,
  "gzip.drmemtrace": 181,
  "kv.cachelib": 11,
  "mail.fiu": 3,
  "manual.pinatrace": 50,
  "mem.perf-script": 3,
  "mixed.address": 79,
  "mixed.din": 107,
  "mixed.ids": 10,
  "mixed.lackey": 74,
  "mixed.xdin": 91,
  "old.lcs": 42,
  "operations.oracle-general": 49,
  "plain.oracle-general": 40,
  "quoted.csv": 9,
  "simple.pinatrace": 20,
  "v1.lcs": 40,
  "v1.vscsi": 40,
  "v2.lcs": 11,
  "v2.vscsi": 38,
  "v3.lcs": 12,
  "v8.lcs": 10,
  "web.msr": 5,
};

const folder = temporaryFolder();

function formatOf(file: string): string {
  return file === "quoted.csv" ? "csv:id=1,count=3" : file.slice(file.lastIndexOf(".") + 1);
}

/** How many references a trace has, or why it was refused. */
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
      while ((await source.next()) !== undefined);
      const { references } = source.decode();
      return { references: Object.values(references).reduce((sum, count) => sum + count, 0) };
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
    else expect(result.references, message).toBeGreaterThanOrEqual(0);
    return "refusal" in result;
  };

  it("has its references", async () => {
    expect(await read(join(CORPUS, file), file)).toEqual({ references });
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
