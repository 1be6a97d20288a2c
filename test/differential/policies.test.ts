/*
 * The engine's policies against the slow models of test/reference/policies, over many kinds of stream.
 */

import { describe, expect, it } from "vitest";
import { BUILDS, policyOf, specsFor } from "../support/builds.ts";
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
/** More of it than a policy's tables of 64 and 4,096 frames have in one word. */
const MANY_FRAMES = 5000;

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
      makeStream(name, seed, { length: 1000, pages: frames + 1 + index * 4 }),
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

const expectedOfMany = memoized((spec) => {
  const { stream, lab } = manyFramesCase(spec);
  return comparablePages(modelPages(stream.touches, lab));
});

function manyFramesCase(spec: string): Case {
  const stream = makeStream("uniform", 77, { length: 8000, pages: MANY_FRAMES + 3000 });
  return caseOf(stream, spec, MANY_FRAMES, 77);
}

describe.each(BUILDS)("policies of the %s Wasm", (build, module) => {
  describe.each(specsFor(build, MODELLED_SPECS))("%s", (spec) => {
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

  it.each([
    "lru",
    "clock",
    "nru",
    "random",
    "fifo",
    "opt",
    "lfu",
    "aging:interval=500",
    "lru-k",
    "lru-k:k=3,crp=50",
    "hyperbolic",
    "ws-clock",
    "linux",
    "mglru",
    "arc",
    "car",
    "lirs",
    "clock-pro",
    "2q",
    "mq",
    "slru",
    "sieve",
    "s3-fifo",
    "w-tinylfu",
    "lecar",
    "mru",
  ])("pages like its slow model: %s, many frames", (spec) => {
    const { stream, lab, message } = manyFramesCase(spec);
    const counters = replayLab(module, folded(stream.touches), lab);
    expect(comparableEnginePages(counters), message).toEqual(expectedOfMany(spec));
  });
});

describe("the slow models", () => {
  it("are there for every registered policy, or it is written down why not", () => {
    expect(policiesToExplain()).toEqual([]);
    expect(MODELLED_SPECS.length).toBeGreaterThanOrEqual(6);
  });
});
