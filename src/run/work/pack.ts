/** Packs a trace, block by block as it is decoded. */

import { Engine } from "../../engine/engine.ts";
import { BLOCK_RUNS } from "../../trace/packed/layout.ts";
import { PackedTrace } from "../../trace/packed/reader.ts";
import { PackedWriter } from "../../trace/packed/writer.ts";
import { initZstd } from "../../trace/packed/zstd.ts";
import { BlockPacker } from "../block_packer.ts";
import { DECODER, PAGES_UNKNOWN_MAX } from "../limits.ts";
import { PACKED_STEP_RUNS } from "../packed_runs.ts";
import { RecordedRuns } from "../record/recorded_runs.ts";
import { eachBlock, openRuns, setupFor } from "../run_source.ts";
import type { Outcome, PackedFrom, PackResult, PackTask } from "../tasks.ts";
import { copyColumns } from "./columns.ts";
import { module, secondsSince, usingRuns } from "./outcome.ts";

export function pack(task: PackTask): Promise<Outcome<PackResult>> {
  return usingRuns(task.runs, async () => {
    const start = performance.now();
    await initZstd();
    const { runs, path } = task;
    const engine = new Engine(module, {
      runs: { capacity: DECODER.runCapacity, interned: true, clairvoyant: false },
      ...setupFor(runs),
      pages: PAGES_UNKNOWN_MAX,
      dictionary: true,
      packBlockRuns: BLOCK_RUNS,
    });
    // A packed trace brings ids of its own; its pages get new ones, for it may be packed without some kinds.
    const reader = runs.from === "packed" ? await packedReader(runs) : engine;
    const source = await openRuns(runs, reader, module, { byThread: true });
    const writer = new PackedWriter(path);
    try {
      const packer = new BlockPacker(engine, (block) => writer.writeRuns(block));
      const references = () => engine.core.references();
      await eachBlock(source, task.progress, references, (count) => {
        if (reader !== engine) copyColumns(["tags", "attrs"], reader, engine, count);
        engine.intern(count);
        packer.add(count, source.thread);
      });
      packer.end();
      const { tags, kinds } = engine.dictionary(0, engine.core.pages());
      writer.writePages(tags, kinds);
      const recorded = source instanceof RecordedRuns ? source.recorded(tags) : undefined;
      return { decode: source.decode(), progress: writer.progress, seconds: secondsSince(start), recorded };
    } finally {
      writer.close();
    }
  });
}

// --- internal ---

/** An engine that a packed trace can be read into, with tags. */
async function packedReader({ path }: PackedFrom): Promise<Engine> {
  const packed = await PackedTrace.open(path);
  packed.close();
  return new Engine(module, {
    runs: { capacity: PACKED_STEP_RUNS, interned: true, clairvoyant: false },
    dictionary: true,
    pages: packed.header.pages,
  });
}
