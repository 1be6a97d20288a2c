/*
 * Packing against a fold over single references: consecutive runs of one page, kind and thread become one, as
 * long as it may be, and blocks are full but for the last.
 */

import { describe, expect, it } from "vitest";
import { Engine } from "../../src/engine/engine.ts";
import { BlockPacker } from "../../src/run/block_packer.ts";
import { BUILDS } from "../support/builds.ts";
import {
  folded,
  internedIds,
  RUN_REFERENCES_MAX,
  type Run,
  touchesOf,
  writeRuns,
} from "../support/engine_runs.ts";
import { Random } from "../support/random.ts";
import { makeStream, STREAM_NAMES } from "../support/streams.ts";

interface ThreadRun extends Run {
  thread: number;
}

interface Block {
  runs: { id: number; kind: number; references: number; thread: number }[];
  idMax: number;
}

/** The blocks that the engine packs when the runs come in pieces of the given lengths, again and again. */
function packed(
  module: WebAssembly.Module,
  runs: readonly ThreadRun[],
  blockRuns: number,
  pieces: readonly number[],
): Block[] {
  const engine = new Engine(module, {
    runs: { capacity: Math.max(...pieces), interned: true, clairvoyant: false },
    packBlockRuns: blockRuns,
    pages: 0,
  });
  const ids = internedIds(module, runs);
  const blocks: Block[] = [];
  const packer = new BlockPacker(engine, ({ ids, attrs, idMax, segments }) => {
    const threads = [...segments.lengths].flatMap((length, index) =>
      Array.from({ length }, () => segments.threads[index]!),
    );
    expect(threads.length).toBe(ids.length);
    expect(segments.lengths.length).toBe(stretches(threads.map((thread) => ({ thread }))).length);
    const block = Array.from(ids, (id, place) => ({
      id,
      kind: attrs[place]! & 3,
      references: (attrs[place]! >> 2) + 1,
      thread: threads[place]!,
    }));
    blocks.push({ runs: block, idMax });
  });
  for (let start = 0, piece = 0; start < runs.length; piece++) {
    const { thread } = runs[start]!;
    const turn = runs.findIndex((run, index) => index > start && run.thread !== thread);
    const end = Math.min(turn < 0 ? runs.length : turn, start + pieces[piece % pieces.length]!);
    writeRuns(engine, runs.slice(start, end));
    engine.column("ids", end - start).set(new Uint8Array(ids.slice(start, end).buffer));
    packer.add(end - start, thread);
    start = end;
  }
  packer.end();
  return blocks;
}

function expectedBlocks(runs: readonly ThreadRun[], blockRuns: number): Block[] {
  const ids = new Map<bigint, number>();
  const whole = stretches(runs).flatMap((stretch) =>
    folded(touchesOf(stretch)).map(({ tag, kind, references }) => {
      if (!ids.has(tag)) ids.set(tag, ids.size);
      return { id: ids.get(tag)!, kind, references, thread: stretch[0]!.thread };
    }),
  );
  return Array.from({ length: Math.ceil(whole.length / blockRuns) }, (_, block) => {
    const runs = whole.slice(block * blockRuns, (block + 1) * blockRuns);
    return { runs, idMax: Math.max(...runs.map(({ id }) => id)) };
  });
}

/** What threads have one behind the other, cut where the thread changes. */
function stretches<T extends { thread: number }>(all: readonly T[]): T[][] {
  const result: T[][] = [];
  for (const one of all) {
    if (result.at(-1)?.at(-1)?.thread === one.thread) result.at(-1)!.push(one);
    else result.push([one]);
  }
  return result;
}

function ofThread0(runs: readonly Run[]): ThreadRun[] {
  return runs.map((run) => ({ ...run, thread: 0 }));
}

/** The same references in runs cut anywhere. */
function cut(runs: readonly Run[], random: Random): Run[] {
  return runs.flatMap((run) => {
    if (run.references === 1 || random.chance(0.4)) return [run];
    const first = 1 + random.below(run.references - 1);
    return [
      { ...run, references: first },
      { ...run, references: run.references - first },
    ];
  });
}

describe.each(BUILDS)("packing by the %s Wasm", (_build, module) => {
  it.each(STREAM_NAMES)("joins what was parted, in whatever pieces it comes: %s", (name) => {
    const { title, touches } = makeStream(name, 90, { length: 500, pages: 80 });
    const random = new Random(91);
    for (const blockRuns of [1, 2, 7, 64, 1000]) {
      const runs = ofThread0(cut(folded(touches), random));
      for (const pieces of [[runs.length], [1], [3, 1, 10]]) {
        const message = `${title}, blocks of ${blockRuns}, pieces of ${pieces}`;
        expect(packed(module, runs, blockRuns, pieces), message).toEqual(expectedBlocks(runs, blockRuns));
      }
    }
  });

  it("fills runs to what fits, over the ends of blocks too (seed 92)", () => {
    const random = new Random(92);
    for (let round = 0; round < 30; round++) {
      const runs = Array.from({ length: 12 }, () => ({
        tag: BigInt(random.below(2)),
        kind: random.below(2),
        thread: 0,
        references: RUN_REFERENCES_MAX - random.below(3) * random.below(RUN_REFERENCES_MAX / 2),
      }));
      for (const blockRuns of [1, 2, 3]) {
        const message = `round ${round}, blocks of ${blockRuns}`;
        expect(packed(module, runs, blockRuns, [5, 1]), message).toEqual(expectedBlocks(runs, blockRuns));
      }
    }
  });

  it("ends runs where another thread goes on, at the ends of blocks too (seed 93)", () => {
    const random = new Random(93);
    for (let round = 0; round < 60; round++) {
      const threads = random.between(1, 4);
      const first = random.below(2);
      const runs = Array.from({ length: 40 }, () => ({
        tag: BigInt(random.below(2)),
        kind: random.below(2),
        references: random.between(1, 3),
        thread: first + random.below(threads),
      }));
      for (const blockRuns of [1, 2, 3, 7, 100]) {
        const message = `round ${round}, blocks of ${blockRuns}`;
        expect(packed(module, runs, blockRuns, [5, 1]), message).toEqual(expectedBlocks(runs, blockRuns));
      }
    }
  });

  it("packs nothing into no block", () => {
    expect(packed(module, [], 4, [1])).toEqual([]);
  });
});
