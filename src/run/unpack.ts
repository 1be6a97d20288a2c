/** `unpack`: a packed trace as text, in one of the formats of text_formats.ts. */

import { InterruptedError, UserError } from "../errors.ts";
import { PackedTrace } from "../trace/packed/reader.ts";
import {
  type TextFormatName,
  type TextOutput,
  type TextRun,
  TextWriter,
  textFormat,
  writeTo,
} from "./text_formats.ts";

export type UnpackFormat = TextFormatName;

export interface UnpackOptions {
  trace: string;
  format: UnpackFormat;
  output: TextOutput;
  signal?: AbortSignal | undefined;
}

/** A tag is two words: the address space in the highest bits, the virtual page below; or an object. */
const ASID_SHIFT = 20;
const VPN_HIGH_MASK = (1 << ASID_SHIFT) - 1;
const HIGH_SAFE_MAX = 1 << 21;
const WORD = 2 ** 32;

/** Writes all references. `ids` are by first touch for traces with addresses, the objects' own for others. */
export async function unpack(options: UnpackOptions): Promise<void> {
  const { trace, output, signal } = options;
  const packed = await PackedTrace.open(trace);
  try {
    const { pageShift, pages } = packed.header;
    const isObjects = pageShift === 0;
    const format = textFormat(options.format);
    if (isObjects && format.hasAddresses) {
      throw new UserError(`${trace}: holds objects without addresses; unpack it as ids or csv`);
    }
    const writer = new TextWriter(format, { pageShift }, async (bytes) => {
      await writeTo(output)(bytes);
      if (signal?.aborted) throw new InterruptedError();
    });
    const tags = tagsOf(packed, pages);
    const run: TextRun = { id: 0, asid: 0, page: 0, kind: 0, references: 0 };
    for (let number = 0; number < packed.runBlocks; number++) {
      const { ids, attrs } = packed.readRuns(number);
      for (let at = 0; at < attrs.length; at++) {
        const id = ids[at] as number;
        const low = tags[2 * id] as number;
        const high = tags[2 * id + 1] as number;
        if (isObjects) {
          run.page = high < HIGH_SAFE_MAX ? high * WORD + low : (BigInt(high) << 32n) | BigInt(low);
          run.id = run.page;
        } else {
          run.id = id;
          run.asid = high >>> ASID_SHIFT;
          run.page = (high & VPN_HIGH_MASK) * WORD + low;
        }
        const attr = attrs[at] as number;
        run.kind = attr & 3;
        run.references = (attr >> 2) + 1;
        const written = writer.add(run);
        if (written !== undefined) await written;
      }
    }
    await writer.flush();
  } finally {
    packed.close();
  }
}

/** The dictionary's tags as pairs of words, the lower first. */
function tagsOf(packed: PackedTrace, pages: number): Uint32Array {
  const tags = new Uint32Array(2 * pages);
  packed.readPages((bytes, _, first) => {
    new Uint8Array(tags.buffer).set(bytes, first * 8);
  });
  return tags;
}
