/*
 * The modelled heap against this computer's own malloc: random calls must be given the same addresses, in
 * the heap and of mappings, and leave the same mallinfo2(3). The model is that of glibc 2.26 to 2.40; the
 * tests' names say which version it was held against.
 */

import { afterAll, describe, expect, it } from "vitest";
import { HeapEngine, type HeapOptions } from "../../src/engine/heap.ts";
import { BUILDS } from "../support/builds.ts";
import { engineCalls, hostGlibc, nativeHeap, PROFILES, randomCalls } from "../support/heap_calls.ts";

const SEEDS = [1, 2, 3, 4];

/** Options of ours, and the tunables of glibc that say the same. */
const VARIANTS: [tunables: string, options: HeapOptions][] = [
  ["", {}],
  ["glibc.malloc.tcache_count=0", { tcacheCount: 0 }],
  ["glibc.malloc.tcache_count=20:glibc.malloc.tcache_max=200", { tcacheCount: 20, tcacheMax: 200 }],
  ["glibc.malloc.mxfast=0", { mxfast: 0 }],
  ["glibc.malloc.mxfast=40:glibc.malloc.tcache_count=1", { mxfast: 40, tcacheCount: 1 }],
  ["glibc.malloc.mmap_threshold=20000", { mmapThreshold: 20_000 }],
  ["glibc.malloc.trim_threshold=70000:glibc.malloc.top_pad=1000", { trimThreshold: 70_000, topPad: 1000 }],
  ["glibc.malloc.mmap_max=5:glibc.malloc.tcache_count=3", { mmapMax: 5, tcacheCount: 3 }],
];

const version = hostGlibc();
const [major = 0, minor = 0] = (version ?? "0.0").split(".").map(Number);
// mallinfo2 is there since 2.33; 2.38 finds aligned chunks in another way.
const isModelled = major === 2 && minor >= 33 && minor <= 40;
const profiles = minor < 38 ? PROFILES : PROFILES.map((profile) => ({ ...profile, memalign: 0 }));
const native = isModelled ? nativeHeap() : undefined;
afterAll(() => native?.close());

const missing = !isModelled
  ? ` (skipped: the C library is ${version === undefined ? "not glibc" : `glibc ${version}`}, not 2.33 to 2.40)`
  : native === undefined
    ? " (skipped: there is no gcc)"
    : "";

describe.skipIf(missing !== "")(`the modelled heap and glibc ${version}${missing}`, () => {
  describe.each(BUILDS)("of the %s Wasm", (_build, module) => {
    describe.each(VARIANTS)("with the tunables '%s'", (tunables, options) => {
      it.each(profiles.map((profile) => [profile.name, profile] as const))(
        "give the same addresses: %s",
        (_name, profile) => {
          for (const seed of SEEDS) {
            const calls = randomCalls(profile, seed);
            const real = native!.run(calls, tunables);
            const { start, mapTop } = real;
            const engine = new HeapEngine(module, options, { start, mapTop });
            const results = engine.run(engineCalls(calls));
            const at = results.findIndex((address, index) => address !== real.results[index]);
            const where = `seed ${seed}, call ${at}: ${JSON.stringify(calls[at])}`;
            expect({ where, address: results[at] }).toEqual({ where, address: real.results[at] });
            expect(engine.flaw(), where).toBe(0);
            const info = engine.info();
            expect(
              {
                arena: info.systemBytes,
                // The top counts as a free chunk.
                ordblks: info.binnedChunks + 1,
                smblks: info.fastChunks,
                hblks: info.mappings,
                hblkhd: info.mappedBytes,
                usmblks: 0,
                fsmblks: info.fastBytes,
                uordblks: info.systemBytes - info.freeBytes,
                fordblks: info.freeBytes,
                keepcost: info.topBytes,
              },
              where,
            ).toEqual(real.info);
          }
        },
      );
    });
  });
});
