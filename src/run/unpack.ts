/** `unpack`: a packed trace as text: page ids, CSV, or lackey's format. */

import { InterruptedError, UserError } from "../errors.ts";
import { PackedTrace } from "../trace/packed/reader.ts";
import { KINDS } from "../types.ts";

export type UnpackFormat = "ids" | "csv" | "lackey";

export interface UnpackOptions {
  trace: string;
  format: UnpackFormat;
  /** Where the text goes: a stream of Node's, or anything with such a method. */
  output: TextOutput;
  signal?: AbortSignal | undefined;
}

export interface TextOutput {
  write(text: string, done: (error?: Error | null) => void): unknown;
}

const ASID_SHIFT = 52n;
const VPN_MASK = (1n << ASID_SHIFT) - 1n;
const CHUNK_CHARACTERS = 1 << 16;
const LACKEY_KINDS = ["I ", " L", " S", " M"];

/**
 * Writes one line for every reference. `ids` has page ids by first touch for traces with addresses, and the
 * objects' own ids for others; `csv` has address space, page number, kind and the length of a run; `lackey`
 * has the first byte of the page for an address, and a size of 1.
 */
export async function unpack({ trace, format, output, signal }: UnpackOptions): Promise<void> {
  const packed = await PackedTrace.open(trace);
  try {
    const { pageShift, pages } = packed.header;
    const isObjects = pageShift === 0;
    if (isObjects && format === "lackey") {
      throw new UserError(`${trace}: holds objects without addresses; unpack it as ids or csv`);
    }
    const tags = new BigUint64Array(pages);
    packed.readPages((bytes, _, first) => {
      new Uint8Array(tags.buffer).set(bytes, first * 8);
    });
    const line = lineOf(format, tags, pageShift);
    let text = format === "csv" ? "asid,page,kind,references\n" : "";
    for (let number = 0; number < packed.runBlocks; number++) {
      const { ids, attrs } = packed.readRuns(number);
      for (let run = 0; run < attrs.length; run++) {
        const attr = attrs[run] as number;
        const references = (attr >> 2) + 1;
        const one = line(ids[run] as number, attr & 3, references);
        text += format === "csv" ? one : one.repeat(references);
        if (text.length < CHUNK_CHARACTERS) continue;
        await write(output, text);
        text = "";
        if (signal?.aborted) throw new InterruptedError();
      }
    }
    await write(output, text);
  } finally {
    packed.close();
  }
}

function lineOf(
  format: UnpackFormat,
  tags: BigUint64Array,
  pageShift: number,
): (id: number, kind: number, references: number) => string {
  const isObjects = pageShift === 0;
  const tagOf = (id: number) => tags[id] as bigint;
  switch (format) {
    case "ids":
      return isObjects ? (id) => `${tagOf(id)}\n` : (id) => `${id}\n`;
    case "csv":
      return (id, kind, references) => {
        const tag = tagOf(id);
        const asid = isObjects ? 0n : tag >> ASID_SHIFT;
        const page = isObjects ? tag : tag & VPN_MASK;
        return `${asid},${page},${KINDS[kind]},${references}\n`;
      };
    case "lackey":
      return (id, kind) => {
        const address = ((tagOf(id) & VPN_MASK) << BigInt(pageShift)) & 0xffffffffffffffffn;
        return `${LACKEY_KINDS[kind]} ${address.toString(16).padStart(8, "0")},1\n`;
      };
  }
}

function write(output: TextOutput, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    output.write(text, (error) => (error ? reject(error) : resolve()));
  });
}
