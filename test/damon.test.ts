/*
 * Recordings of DAMON's: what is read of any of their forms is what was recorded, and damage is found.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync, gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { TraceError } from "../src/errors.ts";
import { readDamon } from "../src/trace/damon/index.ts";
import { partsOf } from "../src/trace/damon/json_parts.ts";
import { readingOf } from "../src/trace/formats/index.ts";
import type { DamonSummary } from "../src/types.ts";
import { type RecordedTarget, reckonHeat } from "./reference/damon.ts";
import { Random } from "./support/random.ts";

const folder = mkdtempSync(join(tmpdir(), "clockhand-damon-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;

function read(content: Uint8Array | string): Promise<DamonSummary> {
  const path = join(folder, `damon-${files++}`);
  writeFileSync(path, content);
  return readDamon(path);
}

interface RecordingOptions {
  ages?: boolean;
  intervals?: boolean;
}

const INTERVAL_NS = 100_000_000;

function makeRecording(random: Random, { ages = true, intervals = true }: RecordingOptions = {}) {
  return Array.from({ length: random.between(1, 3) }, (_, index): RecordedTarget => {
    const first = random.between(1, 10 ** 6) * 1000;
    const aggregation = random.pick([100_000, 1_000_000]);
    return {
      name: `${index}`,
      ...(intervals ? { intervals: { sample: 5000, aggregation } } : {}),
      snapshots: Array.from({ length: random.between(1, 20) }, (_, snapshot) => {
        let at = 4096 * random.between(0, 2 ** 30);
        const startNs = first + snapshot * INTERVAL_NS;
        const regions = Array.from({ length: random.between(1, 12) }, () => {
          const start = at + 4096 * random.between(0, 1000);
          at = start + 4096 * random.between(1, 2 ** 20);
          const samples = random.chance(0.4) ? 0 : random.between(0, 25);
          return {
            start,
            end: at,
            samples,
            ...(ages ? { age: random.below(10 ** random.between(0, 4)) } : {}),
          };
        });
        return { startNs, endNs: startNs + INTERVAL_NS, regions };
      }),
    };
  });
}

/** As damo writes it; numbers with commas where they are meant to be read. */
function asJson(recording: readonly RecordedTarget[], commas: boolean): unknown[] {
  const text = (number: number) => (commas ? number.toLocaleString("en-US") : `${number}`);
  return recording.map(({ name, intervals, snapshots }) => ({
    kdamond_idx: 0,
    context_idx: 0,
    ...(intervals && {
      intervals: {
        sample_us: text(intervals.sample),
        aggr_us: text(intervals.aggregation),
        ops_update_us: "1",
      },
    }),
    scheme_idx: null,
    target_id: `a "name" with ] and [ and \\ in it ${name}`,
    snapshots: snapshots.map(({ startNs = 0, endNs, regions }) => ({
      start_time: text(startNs),
      end_time: text(endNs),
      regions: regions.map(({ start, end, samples, age }) => ({
        start: text(start),
        end: text(end),
        nr_accesses: { samples, percent: null },
        age: { usec: null, aggr_intervals: age === undefined ? null : text(age) },
      })),
      total_bytes: null,
    })),
  }));
}

function asText(recording: readonly RecordedTarget[]): string {
  const lines = recording.flatMap(({ name, snapshots }) =>
    snapshots.flatMap(({ endNs, regions }) =>
      regions.map(
        ({ start, end, samples, age }) =>
          `        kdamond.0  4452 [000] ${(endNs / 1e9).toFixed(6)}: damon:damon_aggregated: target_id=${name} ` +
          `nr_regions=${regions.length} ${start}-${end}: ${samples}${age === undefined ? "" : ` ${age}`}`,
      ),
    ),
  );
  return `# tracer: nop\n\n${lines.join("\n")}\n`;
}

function expectHeat(summary: DamonSummary, recording: readonly RecordedTarget[]): void {
  const heat = reckonHeat(recording);
  expect(summary.targets).toBe(recording.length);
  expect(summary.snapshots).toBe(heat.snapshots);
  expect(summary.regions).toBe(heat.regions);
  const close = (a: number, b: number) => expect(Math.abs(a - b)).toBeLessThanOrEqual(1e-9 * Math.max(1, b));
  close(summary.bytes, heat.bytes);
  close(summary.ageless_bytes, heat.ageless);
  expect(summary.by_access_percent.map(({ from, to }) => [from, to]).slice(0, 3)).toEqual([
    [0, 0],
    [0, 10],
    [10, 20],
  ]);
  heat.byPercent.forEach((bytes, bucket) => {
    close(summary.by_access_percent[bucket]!.bytes, bytes);
  });
  expect(summary.by_age_intervals).toHaveLength(heat.byAge.length);
  heat.byAge.forEach((bytes, bucket) => {
    close(summary.by_age_intervals[bucket]!.bytes, bytes);
  });
  close(summary.hottest[0]!.access_percent, heat.hottestPercent);
  expect(summary.hottest.length).toBeLessThanOrEqual(10);
}

describe("a recording", () => {
  it.each(Array.from({ length: 12 }, (_, seed) => seed))(
    "is read as it was made, in every form (seed %d)",
    async (seed) => {
      const random = new Random(seed);
      const recording = makeRecording(random, { ages: seed % 3 > 0, intervals: seed % 4 > 0 });
      const json = asJson(recording, random.chance(0.5));
      const texts = [JSON.stringify(json), JSON.stringify(json, undefined, 4)];
      for (const text of texts) {
        for (const content of [text, deflateSync(text), gzipSync(text)]) {
          const summary = await read(content);
          expectHeat(summary, recording);
          const ends = recording.map(({ snapshots }) => snapshots.at(-1)!.endNs);
          const starts = recording.map(({ snapshots }) => snapshots[0]!.startNs!);
          expect(summary.seconds).toBeCloseTo((Math.max(...ends) - Math.min(...starts)) / 1e9, 6);
        }
      }
      const plain = recording.map(({ intervals: _, ...target }) => target);
      const summary = await read(asText(plain));
      expectHeat(summary, plain);
      expect(summary.assumes_default_intervals).toBe(true);
    },
  );

  it("says what lies where", async () => {
    const summary = await read(
      "kdamond.0 4452 [000] 82877.315633: damon:damon_aggregated: target_id=7 nr_regions=2 4096-8192: 5 3\n" +
        "kdamond.0 4452 [000] 82877.315640: damon:damon_aggregated: target_id=7 nr_regions=2 8192-20480: 20 0\n" +
        "kdamond.0 4452 [000] 82877.415633: damon:damon_aggregated: target_id=7 nr_regions=1 4096-20480: 0 0\r\n",
    );
    expect(summary).toMatchObject({ targets: 1, snapshots: 2, regions: 3, seconds: 0.2, bytes: 16384 });
    expect(summary.hottest).toEqual([
      {
        ...{ target: "target_id=7", start: "0x1000", end: "0x5000", bytes: 16384 },
        ...{ access_percent: 0, age_intervals: 0 },
      },
    ]);
    const bytesAt = (percent: number) =>
      summary.by_access_percent.find(({ from, to }) => from < percent && percent <= to!)?.bytes;
    expect([summary.by_access_percent[0]?.bytes, bytesAt(25), bytesAt(100)]).toEqual([8192, 2048, 6144]);
  });

  it("is cut into the same parts wherever its chunks end", async () => {
    const text = JSON.stringify(asJson(makeRecording(new Random(2)), true), undefined, 1);
    const bytes = Buffer.from(text);
    for (const size of [1, 2, 7, 1000]) {
      async function* chunks() {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      }
      const parts: string[] = [];
      for await (const part of partsOf(chunks(), "text")) {
        expect(text.slice(part.byte, part.byte + 1)).toBe("{");
        if (part.kind === "snapshot") expect(text.startsWith(part.text, part.byte)).toBe(true);
        parts.push(part.text);
      }
      const records = JSON.parse(text) as { snapshots: unknown[] }[];
      const expected = records.flatMap((record) => [...record.snapshots, { ...record, snapshots: [] }]);
      expect(parts.map((part) => JSON.parse(part))).toEqual(expected);
    }
  });
});

describe("a damaged recording", () => {
  const recording = makeRecording(new Random(11));
  const small = recording.map(({ snapshots, ...target }) => ({
    ...target,
    snapshots: snapshots.slice(0, 2),
  }));
  const json = JSON.stringify(asJson(small.slice(0, 1), false));

  it("of JSON is refused wherever it is cut off", async () => {
    const step = Math.max(1, Math.floor(json.length / 200));
    for (let length = 0; length < json.length; length += step) {
      await expect(read(json.slice(0, length)), `${length}`).rejects.toThrow(TraceError);
    }
    await expect(read(deflateSync(json).subarray(0, -7))).rejects.toThrow("zlib: truncated");
  });

  it("of text is refused unless it is cut off behind a snapshot", async () => {
    const text = asText(small);
    const whole = reckonHeat(small).regions;
    for (let length = 0; length < text.length; length += Math.max(1, Math.floor(text.length / 200))) {
      const regions = await read(text.slice(0, length)).then(
        (summary) => summary.regions,
        (error) => {
          expect(error).toBeInstanceOf(TraceError);
          return 0;
        },
      );
      expect(regions).toBeLessThanOrEqual(whole);
    }
  });

  it("never gives another error than that it is damaged", async () => {
    for (let seed = 0; seed < 150; seed += 1) {
      const random = new Random(seed);
      const bytes = Buffer.from(random.chance(0.5) ? json : asText(small));
      for (let round = random.between(1, 4); round > 0; round -= 1) {
        bytes[random.below(bytes.length)] = random.pick([...Buffer.from('{}[]",:0e9-\\ n\n')]);
      }
      await read(bytes).then(
        (summary) => expect(summary.snapshots).toBeGreaterThan(0),
        (error) => expect(error, `seed ${seed}: ${error.stack}`).toBeInstanceOf(TraceError),
      );
    }
  });

  it.each([
    ["nothing", "", "is no recording"],
    ["zeros", "\0".repeat(5000), "is no recording"],
    ["no records", '[{"kdamond_idx":0,"snapshots":[]}]', "has no snapshot"],
    ["a number that is none", json.replace(/"end":"\d+"/, '"end":"1e5"'), "byte"],
    ["a huge number", json.replace(/"end":"\d+"/, '"end":1e300'), "byte"],
    ["a region that ends before it starts", json.replace(/"end":"\d+"/, '"end":"0"'), "before it starts"],
    ["words between snapshots", json.replace("}],", "}],x"), "byte"],
    ["something behind its end", `${json}[]`, "expected an array of DAMON's records"],
  ])("that has %s says so", async (_, content, message) => {
    const error = await read(content).then(
      () => undefined,
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(TraceError);
    expect(error.message).toContain(message);
  });
});

describe("a recording as a trace", () => {
  const recording = asJson(makeRecording(new Random(1)), false);
  it.each([
    ["text", Buffer.from(asText(makeRecording(new Random(1))))],
    ["JSON", Buffer.from(JSON.stringify(recording, undefined, 4))],
    ["compressed JSON", deflateSync(JSON.stringify(recording))],
  ])("is refused, as %s", (_, bytes) => {
    const head = bytes.subarray(0, 4096);
    expect(() => readingOf(undefined, head, "it")).toThrow(
      /^it: .*DAMON's regions.*no references.*clockhand info/,
    );
  });
});
