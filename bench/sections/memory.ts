/** Peak memory does not grow with the length of the trace: a short and a long text of the same program. */

import { rmSync } from "node:fs";
import { replayCommand } from "../lib/command.ts";
import { countPages } from "../lib/decoded.ts";
import { type Spread, spreadOf } from "../lib/measure.ts";
import { progress } from "../lib/progress.ts";
import { recording } from "../lib/recording.ts";
import { quantity, type Row, ratio, type Section } from "../lib/section.ts";
import { recordingOrPrefix, textOf } from "../lib/text_files.ts";

const GROWTH_MAX = 1.1;
const MIB = 2 ** 20;

export async function memory(quick: boolean): Promise<Section> {
  const repetitions = quick ? 1 : 3;
  const [shortBytes, longBytes] = quick ? [20e6, 200e6] : [100e6, 2e9];
  const short = textOf(shortBytes, "memory_short.lackey");
  const whole = recordingOrPrefix(quick, 100e6);
  const frames = Math.max(1, Math.round((await countPages(short)) / 2));
  const name = (bytes: number) => `${bytes / 1e6} MB`;
  const rows: Row[] = [];
  const long = textOf(longBytes, "memory_long.lackey");
  try {
    rows.push(...(await compared("clock", short, long, name(shortBytes), name(longBytes))));
    const wholeName = quick ? "100 MB" : name(Math.round(recording().bytes / 1e6) * 1e6);
    rows.push(...(await compared("opt", short, whole, name(shortBytes), wholeName)));
  } finally {
    rmSync(long);
    rmSync(short);
  }
  return {
    name: "memory",
    title: "peak memory",
    about: [
      `The first ${name(shortBytes)} of the recording against ${name(longBytes)} of it, its lines repeated as needed; ` +
        `${frames} frames, one worker.`,
      "Peak resident memory of the process, as its report says. opt keeps its view of the future in a file.",
    ],
    rows,
  };

  async function compared(
    policy: string,
    a: string,
    b: string,
    aName: string,
    bName: string,
  ): Promise<Row[]> {
    const [first, second] = [await peak(policy, a, aName), await peak(policy, b, bName)];
    return [
      quantity(`${policy}, ${aName}`, first, "MiB"),
      quantity(`${policy}, ${bName}`, second, "MiB"),
      ratio(`${policy}, ${bName} / ${aName}`, second.median / first.median, { atMost: GROWTH_MAX }),
    ];
  }

  async function peak(policy: string, path: string, what: string): Promise<Spread> {
    progress(`${policy}, ${what}`);
    const peaks: number[] = [];
    for (let run = 0; run < repetitions; run++) {
      const { report } = await replayCommand(path, "--policy", policy, "--frames", frames, "--workers", 1);
      peaks.push(report.performance.peak_rss_bytes / MIB);
    }
    return spreadOf(peaks);
  }
}
