/*
 * The engine's slabs against the slow model of test/reference/mm/slab.ts: every object at the same place of
 * the same slab, every count the same, over random allocations and frees on several processors.
 */

import { describe, expect, it } from "vitest";
import { CACHE_FLAGS } from "../../src/engine/kernel_memory.ts";
import { geometryOf, type ModelObject, type ModelSlab, ReferenceCache } from "../reference/mm/slab.ts";
import { BUILDS } from "../support/builds.ts";
import { kernelMemory } from "../support/kernel_memory.ts";
import { Random } from "../support/random.ts";

const PAGE = 4096;
const SEEDS = Array.from({ length: 30 }, (_, index) => 1000 + index);

describe.each(BUILDS)("slabs, %s Wasm", (build, module) => {
  it.each([1, 2, 4, 16, 64])("have the model's geometry on %i processors", (cpus) => {
    const memory = kernelMemory(module, { cpus });
    const random = new Random(cpus);
    for (let round = 0; round < 300; round++) {
      const bytes = round < 100 ? 1 + random.below(512) : 1 + random.below(32_768);
      const align = random.pick([0, 0, 8, 16, 64, 256]);
      const hwcacheAlign = random.chance(0.3);
      const flags = CACHE_FLAGS.noMerge | (hwcacheAlign ? CACHE_FLAGS.hwcacheAlign : 0);
      const number = memory.createCache("x", bytes, align, flags);
      const facts = memory.facts(number);
      const { size, order, objects, min_partial: minPartial, cpu_partial_slabs: cpuPartialSlabs } = facts;
      const about = `${bytes} bytes, align ${align}, hwcache ${hwcacheAlign}`;
      expect({ size, order, objects, minPartial, cpuPartialSlabs }, about).toEqual(
        geometryOf(bytes, align, hwcacheAlign, cpus),
      );
      expect(memory.destroyCache(number)).toBe(true);
    }
  });

  it.each(build === "debug" ? SEEDS.slice(0, 4) : SEEDS)("do what the model does, seed %i", (seed) => {
    const random = new Random(seed);
    const cpus = random.pick([1, 2, 4]);
    const memory = kernelMemory(module, { cpus });
    const before = memory.freePages();
    const bytes = random.pick([8, 24, 64, 192, 584, 1128, 2112, 5888]);
    const cache = memory.createCache("x", bytes, 0, CACHE_FLAGS.noMerge);
    const model = new ReferenceCache(geometryOf(bytes, 0, false, cpus), cpus);
    const { size, order } = model.geometry;
    const places = new Map<ModelSlab, number>();
    const live: { object: ModelObject; address: number }[] = [];
    let wanted = random.between(0, 3000);
    for (let step = 0; step < 6000; step++) {
      const cpu = random.below(cpus);
      if (random.chance(0.002)) wanted = random.between(0, 3000);
      if (random.chance(0.001)) {
        memory.core.cacheShrink(cache);
        model.shrink();
      }
      const about = `seed ${seed}, step ${step}`;
      if (live.length === 0 || random.chance(live.length < wanted ? 0.7 : 0.3)) {
        const object = model.alloc(cpu);
        const address = memory.alloc(cache, cpu);
        const place = places.get(object.slab) ?? address - object.index * size;
        places.set(object.slab, place);
        expect(address, about).toBe(place + object.index * size);
        expect(place % (PAGE * 2 ** order), about).toBe(0);
        live.push({ object, address });
      } else {
        const at = random.chance(0.5) ? live.length - 1 : random.below(live.length);
        const { object, address } = live[at]!;
        live[at] = live.at(-1)!;
        live.pop();
        expect(memory.free(cache, address, cpu), about).toBe(model.free(object, cpu));
        const again = model.slabs.has(object.slab) ? "double" : "invalid";
        expect(memory.free(cache, address, cpu), about).toBe(again);
        for (const slab of places.keys()) if (!model.slabs.has(slab)) places.delete(slab);
      }
      if (step % 100 !== 0) continue;
      const facts = memory.facts(cache);
      expect(facts, about).toMatchObject({
        active: model.active,
        busy: model.busy,
        slabs: model.slabs.size,
        partial_slabs: model.node.length,
        slab_objects: model.slabs.size * model.geometry.objects,
        pages: model.slabs.size * 2 ** order,
      });
      expect(memory.freePages(), about).toBe(before - facts.pages);
    }
    for (const { address } of live) expect(memory.free(cache, address, random.below(cpus))).toBe("freed");
    expect(memory.destroyCache(cache)).toBe(true);
    expect(memory.freePages()).toBe(before);
  });
});
