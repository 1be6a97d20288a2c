/** Packs a trace into a file, all workers decoding. What `pack`, the cache and OPT share. */

import type { PackedHeader } from "../trace/packed/layout.ts";
import { seal } from "../trace/packed/writer.ts";
import type { Decoders } from "./decoders.ts";
import type { Session } from "./session.ts";
import type { DecodeResult, TraceTask } from "./tasks.ts";

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
  const packing = decoders.decodeFor((runs) => session.run("pack", { runs, path, trace }, "packing"));
  const [[{ header, seconds }, decode], sha256] = await Promise.all([packing, sourceSha256]);
  const { references, skipped } = decode;
  const facts = { references, skipped, ...(sha256 && { sourceSha256: Buffer.from(sha256, "hex") }) };
  const sealed = { ...header, ...facts };
  seal(path, sealed);
  return { header: sealed, decode, seconds };
}
