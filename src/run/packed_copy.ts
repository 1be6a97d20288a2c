/** The packed form of any trace: itself, the cached copy, or one that is made now. */

import { rmSync, statSync } from "node:fs";
import { asidOf } from "../engine/tag.ts";
import { TraceError } from "../errors.ts";
import { traceLabel } from "../trace/open.ts";
import { type PackedHeader, TAG_BYTES } from "../trace/packed/layout.ts";
import { PackedTrace } from "../trace/packed/reader.ts";
import { formatBytes } from "../units.ts";
import { TraceCache } from "./cache.ts";
import type { Decoders } from "./decoders.ts";
import { packTrace } from "./pack_trace.ts";
import type { Session } from "./session.ts";
import type { TraceTask } from "./tasks.ts";

export interface PackedCopy {
  path: string;
  header: PackedHeader;
}

/** `notice` is told when a trace is packed, and where to. */
export async function packedCopy(
  session: Session,
  decoders: Decoders,
  trace: TraceTask,
  notice: (text: string) => void,
): Promise<PackedCopy> {
  const { file } = decoders;
  if (file.packed) return opened(trace.path);
  const cache = new TraceCache();
  if (file.sizeBytes === undefined || !cache.prepare()) {
    const path = await session.temporary("packed.cht");
    await packTrace(session, decoders, trace, path);
    return opened(path);
  }
  const known = await cache.find(trace);
  if (known !== undefined) return opened(known);
  const path = await cache.add(trace, async (part) => {
    const sha256 = session.run("digest", { path: trace.path });
    await packTrace(session, decoders, trace, part, sha256);
    return sha256;
  });
  cache.shrink(path);
  notice(`packed ${traceLabel(trace.path)} once, ${formatBytes(statSync(path).size)} in ${path}`);
  return opened(path);
}

/** Removes a copy in which an error was found, so that the next run makes a new one; the error comes back. */
export function dropDamagedCopy(error: unknown, copies: PackedCopy[], traces: TraceTask[]): unknown {
  const copy = copies.find(
    ({ path }, index) => path !== traces[index]?.path && (error as Error).message?.startsWith(`${path}:`),
  );
  if (copy === undefined || !(error instanceof TraceError)) return error;
  rmSync(copy.path, { force: true });
  return new TraceError(`${error.message}; it was a cached copy and has been removed: run the command again`);
}

/** A file that is a packed trace. */
export async function opened(path: string): Promise<PackedCopy> {
  const packed = await PackedTrace.open(path);
  packed.close();
  return { path, header: packed.header };
}

/** Distinct pages with a reference of one of some kinds, a bit each. */
export async function distinctPages(copy: PackedCopy, include: number): Promise<number> {
  if ((copy.header.include & ~include) === 0) return copy.header.pages;
  return [...(await pagesBySpace(copy, include)).values()].reduce((sum, pages) => sum + pages, 0);
}

/** The same by address space, in the order of their first pages; of objects, which have none, by nothing. */
export async function pagesBySpace({ path }: PackedCopy, include: number): Promise<Map<number, number>> {
  const pages = new Map<number, number>();
  const packed = await PackedTrace.open(path);
  try {
    packed.readPages((tags, kinds) => {
      const view = new DataView(tags.buffer, tags.byteOffset, tags.byteLength);
      for (const [page, seen] of kinds.entries()) {
        if ((seen & include) === 0) continue;
        const asid = asidOf(view.getBigUint64(page * TAG_BYTES, true));
        pages.set(asid, (pages.get(asid) ?? 0) + 1);
      }
    });
  } finally {
    packed.close();
  }
  return pages;
}
