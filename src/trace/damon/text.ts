/**
 * DAMON's tracepoints as perf or ftrace print them (Linux, include/trace/events/damon.h): a line a region,
 * and as many lines a snapshot as `nr_regions` says. Old kernels print no age.
 *
 *     kdamond.0  4452 [000] 82877.315633: damon:damon_aggregated: target_id=0 nr_regions=17 4096-8192: 0 3
 */

import { TraceError } from "../../errors.ts";
import type { DamonItem, Region } from "./snapshot.ts";

const EVENT = /\s(?<time>\d+\.\d+):\s+\S*(?:damon_aggregated|damos_before_apply): (?<target>[^:]*?) ?/;
const REGION = /\bnr_regions=(?<count>\d{1,9}) (?<start>\d{1,20})-(?<end>\d{1,20}): /;
const HEAT = /(?<samples>-?\d{1,10})(?: (?<age>-?\d{1,10}))?\s*$/;
const LINE = new RegExp(EVENT.source + REGION.source + HEAT.source);
const LINE_BYTES_MAX = 4096;
const QUOTED_BYTES = 60;
/** More regions than DAMON is ever given. */
const REGIONS_MAX = 10_000_000;
const TARGETS_MAX = 4096;

/** A snapshot that is still being read. */
interface Open {
  endNs: number;
  count: number;
  regions: Region[];
}

export async function* readDamonText(
  chunks: AsyncIterable<Uint8Array>,
  label: string,
): AsyncGenerator<DamonItem> {
  const open = new Map<string, Open>();
  let line = 0;
  let byte = 0;
  for await (const text of linesOf(chunks, label)) {
    line++;
    const where = `${label}: line ${line} (byte ${byte})`;
    byte += text.length + 1;
    if (/^\s*(#.*)?$/.test(text)) continue;
    const groups = LINE.exec(` ${text}`)?.groups;
    if (groups === undefined)
      throw new TraceError(`${where}: expected a region of DAMON's, found ${quoted(text)}`);
    const { time = "", target = "", count = "", start = "", end = "", samples = "", age } = groups;
    const snapshot = open.get(target) ?? {
      endNs: Math.round(Number(time) * 1e9),
      count: Number(count),
      regions: [],
    };
    if (snapshot.count < 1 || snapshot.count > REGIONS_MAX || snapshot.count !== Number(count)) {
      throw new TraceError(
        `${where}: nr_regions=${count} does not fit the lines before; the file is not complete`,
      );
    }
    snapshot.regions.push({
      start: BigInt(start),
      end: BigInt(end),
      samples: Number(samples),
      percent: undefined,
      ageIntervals: age === undefined ? undefined : Number(age),
      ageUsec: undefined,
    });
    open.set(target, snapshot);
    if (open.size > TARGETS_MAX) throw new TraceError(`${where}: expected at most ${TARGETS_MAX} targets`);
    if (snapshot.regions.length < snapshot.count) continue;
    open.delete(target);
    yield { snapshot: { target, startNs: undefined, endNs: snapshot.endNs, regions: snapshot.regions } };
  }
  if (open.size > 0)
    throw new TraceError(`${label}: line ${line}: ends inside a snapshot: the file is truncated`);
}

// --- internal ---

async function* linesOf(chunks: AsyncIterable<Uint8Array>, label: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("latin1");
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk)).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
    if (rest.length > LINE_BYTES_MAX) {
      throw new TraceError(`${label}: expected a region of DAMON's, found ${quoted(rest)}`);
    }
  }
  if (rest !== "") yield rest;
}

function quoted(text: string): string {
  return JSON.stringify(text.length > QUOTED_BYTES ? `${text.slice(0, QUOTED_BYTES)}...` : text);
}
