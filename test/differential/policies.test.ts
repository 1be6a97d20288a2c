/*
 * The engine's policies against the slow models of test/reference/policies, over many kinds of stream.
 */

import { describe, expect, it } from "vitest";
import { BUILDS, policyOf } from "../support/builds.ts";
import { BARE, folded, type Lab, replayLab, replayMachine, unfolded } from "../support/engine_runs.ts";
import { memoized } from "../support/memo.ts";
import {
  comparableEnginePages,
  comparablePages,
  MODELLED_SPECS,
  modelPages,
  policiesToExplain,
} from "../support/models.ts";
import { makeLongRun, makeStream, STREAM_NAMES, type Stream, type StreamName } from "../support/streams.ts";

const FRAMES = [1, 2, 3, 8, 31];
/** More frames than the tables of a policy have bits in a word, or in a word of words: 64 and 4,096. */
const MANY_FRAMES = [300, 5000];
const SPECS_FOR_MANY = ["fifo", "lru", "clock", "nru:interval=800", "random", "opt"];

interface Case {
  stream: Stream;
  lab: Lab;
  message: string;
}

/** One stream for each number of frames, with pages for memory to be short of. */
function casesOf(name: StreamName, spec: string): Case[] {
  return FRAMES.map((frames, index) => {
    const seed = 31 * index + STREAM_NAMES.indexOf(name);
    return caseOf(
      makeStream(name, seed, { length: 1500, pages: frames + 1 + index * 4 }),
      spec,
      frames,
      seed,
    );
  });
}

function caseOf(stream: Stream, spec: string, frames: number, seed: number): Case {
  const lab = { frames, policy: policyOf(spec), seed };
  return { stream, lab, message: `${spec}, ${frames} frames, engine seed ${seed}, ${stream.title}` };
}

const expectedOf = memoized((key) => {
  const [name, spec] = JSON.parse(key) as [StreamName, string];
  return casesOf(name, spec).map(({ stream, lab }) => comparablePages(modelPages(stream.touches, lab)));
});

const expectedOfLongRun = memoized((spec) => {
  const { stream, lab } = caseOf(makeLongRun(20_000), spec, 4, 1);
  return comparablePages(modelPages(stream.touches, lab));
});

const expectedOfMany = memoized((key) => {
  const { stream, lab } = manyFramesCase(...(JSON.parse(key) as [string, number]));
  return comparablePages(modelPages(stream.touches, lab));
});

function manyFramesCase(spec: string, frames: number): Case {
  const pages = Math.floor(frames * 1.3);
  const stream = makeStream("uniform with writes and bursts", 77, { length: pages + 3000, pages });
  return caseOf(stream, spec, frames, 77);
}

describe.each(BUILDS)("policies of the %s Wasm", (_build, module) => {
  describe.each(MODELLED_SPECS)("%s", (spec) => {
    it.each(STREAM_NAMES)("pages like its slow model in the lab: %s", (name) => {
      const expected = expectedOf(JSON.stringify([name, spec]));
      for (const [index, { stream, lab, message }] of casesOf(name, spec).entries()) {
        const counters = replayLab(module, folded(stream.touches), lab);
        expect(comparableEnginePages(counters), message).toEqual(expected[index]);
      }
    });

    it.each(STREAM_NAMES)("pages like its slow model behind an MMU: %s", (name) => {
      const expected = expectedOf(JSON.stringify([name, spec]));
      for (const [index, { stream, lab, message }] of casesOf(name, spec).entries()) {
        const counters = replayMachine(module, unfolded(stream.touches), { ...BARE, ...lab });
        expect(comparableEnginePages(counters), message).toEqual(expected[index]);
      }
    });

    it("hears of every reference of a long run", () => {
      const { stream, lab, message } = caseOf(makeLongRun(20_000), spec, 4, 1);
      const counters = replayLab(module, folded(stream.touches), lab);
      expect(comparableEnginePages(counters), message).toEqual(expectedOfLongRun(spec));
    });
  });

  describe.each(MANY_FRAMES)("with %i frames", (frames) => {
    it.each(SPECS_FOR_MANY)("pages like its slow model: %s", (spec) => {
      const { stream, lab, message } = manyFramesCase(spec, frames);
      const counters = replayLab(module, folded(stream.touches), lab);
      expect(counters.evictions, message).toBeGreaterThan(500);
      const expected = expectedOfMany(JSON.stringify([spec, frames]));
      expect(comparableEnginePages(counters), message).toEqual(expected);
    });
  });
});

describe("the slow models", () => {
  it("are there for every registered policy, or it is written down why not", () => {
    expect(policiesToExplain()).toEqual([]);
    expect(MODELLED_SPECS.length).toBeGreaterThanOrEqual(6);
  });
});
