/** The kernel's allocators: objects taken and given back, in batches that the engine is called once for. */

import { readFileSync } from "node:fs";
import { instantiateCore } from "../../src/engine/core.ts";
import {
  CACHE_FLAGS,
  GFP_KERNEL,
  KernelMemory,
  reserveKernelMemory,
} from "../../src/engine/kernel_memory.ts";
import { reservePhysical, startPhysical } from "../../src/engine/physical.ts";
import { physicalMemory } from "../../src/machine/physical.ts";
import { measure } from "../lib/measure.ts";
import { progress } from "../lib/progress.ts";
import { type Row, rate, type Section } from "../lib/section.ts";

const MEMORY_BYTES = 2 ** 30;
const OBJECT_BYTES = 192;
const LEAST_PER_SECOND = 80e6;
/** Fewer than a slab has; as many as processors keep; far more. */
const BATCHES = [16, 1000, 65_536];

export async function slab(quick: boolean): Promise<Section> {
  const pairs = quick ? 1e6 : 10e6;
  const core = instantiateCore(
    new WebAssembly.Module(readFileSync(new URL("../../build/core.wasm", import.meta.url))),
  );
  const physical = physicalMemory({ bytes: MEMORY_BYTES });
  reservePhysical(core, physical);
  reserveKernelMemory(core, { cpus: 2 });
  core.initRuns(Math.max(...BATCHES), false, false);
  if (core.commit() === 0) throw new Error("no memory");
  startPhysical(core, physical, {});
  const memory = new KernelMemory(core);
  const cache = memory.createCache("bench", OBJECT_BYTES, 0, CACHE_FLAGS.noMerge);
  const buffer = core.tagsAt() >>> 0;
  const rows: Row[] = [];
  for (const batch of BATCHES) {
    const name = `${batch} objects at a time`;
    progress(name);
    const rounds = Math.ceil(pairs / batch);
    const seconds = await measure(quick ? 1 : 5, {
      run: () => {
        for (let round = 0; round < rounds; round++) {
          core.cacheAllocBulk(cache, 0, GFP_KERNEL, batch, buffer);
          core.cacheFreeBulk(0, batch, buffer);
        }
      },
    });
    const atLeast = batch === 1000 ? { atLeast: LEAST_PER_SECOND / 1e6 } : {};
    const operations = (2 * rounds * batch) / 1e6;
    rows.push(rate(name, operations, "M allocations and frees/s", seconds, atLeast));
  }
  return {
    name: "slab",
    title: "slabs",
    about: [
      `Objects of ${OBJECT_BYTES} bytes, allocated and freed in the same order on one of two processors.`,
    ],
    rows,
  };
}
