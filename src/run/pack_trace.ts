/** Packs a trace into a file, all workers decoding. What `pack`, the cache and OPT share. */

import { basename } from "node:path";
import { traceLabel } from "../trace/open.ts";
import type { PackedHeader } from "../trace/packed/layout.ts";
import { type PackedFacts, seal } from "../trace/packed/writer.ts";
import { initZstd } from "../trace/packed/zstd.ts";
import type { Decoders } from "./decoders.ts";
import type { Session } from "./session.ts";
import type { DecodeResult, TraceTask } from "./tasks.ts";

const SHA256_BYTES = 32;

export interface Packed {
  header: PackedHeader;
  decode: DecodeResult;
  seconds: number;
}

/**
 * Packs into `path`, which must not exist, and seals it. `sourceSha256` may still be computed meanwhile; the
 * header has zeros without one.
 */
export async function packTrace(
  session: Session,
  decoders: Decoders,
  trace: TraceTask,
  path: string,
  sourceSha256?: Promise<string>,
): Promise<Packed> {
  const packing = decoders.decodeFor((runs) => session.run("pack", { runs, path }, "packing"));
  const [[{ progress, seconds }, decode], sha256] = await Promise.all([packing, sourceSha256, initZstd()]);
  const facts: PackedFacts = {
    pageShift: decode.objects ? 0 : trace.pageShift,
    references: decode.references,
    skipped: decode.skipped,
    include: trace.include,
    threads: decode.threads ?? 0,
    sourceSha256: sha256 === undefined ? new Uint8Array(SHA256_BYTES) : Buffer.from(sha256, "hex"),
  };
  const { format, accesses } = decode;
  const meta = { source: { name: basename(traceLabel(trace.path)), format }, accesses };
  return { header: seal(path, progress, facts, meta), decode, seconds };
}
