/*
 * Zip archives as traces are read from them: what is in them comes out, file by file, and what is damaged in
 * any place does not come out as something else.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { TraceError } from "../src/errors.ts";
import { decompressedParts, newDecompression, sendParts } from "../src/run/decompression.ts";
import { BrokenRing, breakRings } from "../src/run/ring.ts";
import { openTrace } from "../src/trace/open.ts";
import { Random } from "./support/random.ts";
import { type ZipFile, zipOf } from "./support/zip_files.ts";

const folder = mkdtempSync(join(tmpdir(), "clockhand-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, "trace.zip");

/** The content of an archive, with where its files end; `helpers` inflate it, if any, and then the reader. */
async function contentOf(archive: Uint8Array, stepBytes = 1000, chunkBytes = 256, helpers?: number) {
  writeFileSync(path, archive);
  const bytes = await openTrace(path, { chunkBytes, parts: await partsBy(helpers, chunkBytes) });
  const parts: Buffer[] = [];
  const ends: number[] = [];
  let length = 0;
  try {
    for (;;) {
      const buffer = Buffer.alloc(stepBytes);
      const count = await bytes.read(buffer);
      if (count === 0) break;
      parts.push(buffer.subarray(0, count));
      length += count;
      if (bytes.fileEnds?.()) ends.push(length);
    }
    return { content: Buffer.concat(parts), ends, taken: bytes.takenBytes(), head: Buffer.from(bytes.head) };
  } finally {
    bytes.close();
  }
}

/** All that helpers can do of an archive that fits into the rings is done before the reader comes. */
async function partsBy(helpers: number | undefined, chunkBytes: number) {
  if (helpers === undefined) return undefined;
  const decompression = newDecompression("zip", [path], Math.max(1, helpers), chunkBytes);
  for (let helper = 0; helper < helpers; helper++) await sendParts(decompression, helper);
  return decompressedParts(decompression, path);
}

function randomFiles(random: Random): ZipFile[] {
  return Array.from({ length: random.between(1, 5) }, (_, index) => ({
    name: `chunk.000${index}`,
    content: Buffer.from(Array.from({ length: random.between(1, 3000) }, () => random.below(5))),
    method: random.pick([0, 8]),
  }));
}

const SMALL: ZipFile[] = [
  { name: "chunk.0000", content: Buffer.from("a small file, a small file, a small file") },
  { name: "chunk.0001", content: Buffer.from("and another") },
];
const SMALL_CONTENT = Buffer.concat(SMALL.map(({ content }) => content));

describe("a zip archive", () => {
  it.each([false, true])("gives its files one behind the other; zip64: %s", async (zip64) => {
    for (let seed = 0; seed < 40; seed += 1) {
      const random = new Random(seed);
      const files = randomFiles(random);
      const archive = zipOf(files, zip64);
      const { content, ends, taken, head } = await contentOf(archive, random.pick([1, 100, 5000]));
      expect(content, `seed ${seed}`).toEqual(Buffer.concat(files.map((file) => file.content)));
      let end = 0;
      expect(ends, `seed ${seed}`).toEqual(files.map((file) => (end += file.content.length)));
      expect(taken).toBeLessThan(archive.length);
      expect(head).toEqual(content.subarray(0, head.length));
    }
  });

  it("may hold folders, empty files and a comment", async () => {
    const files = [
      { name: "trace/", content: Buffer.alloc(0) },
      ...SMALL,
      { name: "x", content: Buffer.alloc(0) },
    ];
    const archive = Buffer.concat([zipOf(files), Buffer.from("bye")]);
    archive.writeUInt16LE(3, archive.length - 5);
    expect((await contentOf(archive)).content).toEqual(SMALL_CONTENT);
  });

  it("is refused wherever it is cut off", async () => {
    const archive = zipOf(SMALL);
    for (let length = 4; length < archive.length; length += 1) {
      await expect(contentOf(archive.subarray(0, length)), `length ${length}`).rejects.toThrow(TraceError);
    }
  });

  it("gives what was put in or an error, whatever byte is changed", async () => {
    const archive = zipOf(SMALL);
    for (let at = 4; at < archive.length; at += 1) {
      for (const change of [0x01, 0x80, 0xff]) {
        const changed = Buffer.from(archive);
        changed[at] = changed[at]! ^ change;
        const result = await contentOf(changed).catch((error: unknown) => error);
        if (result instanceof Error) {
          expect(result, `byte ${at}`).toBeInstanceOf(TraceError);
          continue;
        }
        // A directory that is said to have fewer entries is whole in itself.
        const { content, ends } = result as Awaited<ReturnType<typeof contentOf>>;
        const expected = ends.length === 2 ? SMALL_CONTENT : SMALL[0]!.content;
        expect(content, `byte ${at}`).toEqual(expected);
      }
    }
  });

  it.each([0, 1, 3])("is the same when %d others inflate it", async (helpers) => {
    const outcome = (archive: Uint8Array, by?: number) =>
      contentOf(archive, 1000, 256, by).catch((error: Error) => error.message);
    for (let seed = 0; seed < 100; seed += 1) {
      const random = new Random(seed);
      const archive = zipOf(randomFiles(random));
      if (random.chance(0.7)) archive[random.below(archive.length)]! ^= 1 << random.below(8);
      expect(await outcome(archive, helpers), `seed ${seed}`).toEqual(await outcome(archive));
    }
  });

  it("is left by all sides when one of them has failed", async () => {
    writeFileSync(path, zipOf(SMALL));
    const decompression = newDecompression("zip", [path], 1, 256);
    breakRings(decompression.rings);
    await expect(sendParts(decompression, 0)).rejects.toThrow(BrokenRing);
    await expect(decompressedParts(decompression, path)!.next()).rejects.toThrow(BrokenRing);
  });

  const file = SMALL[0]!;
  it.each<[string, ZipFile[], RegExp]>([
    ["has no files", [], /holds no files/],
    ["has only folders", [{ name: "a/", content: Buffer.alloc(0) }], /holds no files/],
    ["has a name that leads out of a folder", [{ ...file, name: "../chunk.0000" }], /\.\.\/chunk\.0000/],
    ["has an absolute name", [{ ...file, name: "/chunk.0000" }], /absolute path/],
    ["has a checksum that is wrong", [{ ...file, claims: { crc: 1 } }], /chunk\.0000: checksum mismatch/],
    ["has more than it says", [{ ...file, claims: { bytes: 5 } }], /more than the 5 bytes/],
    ["has less than it says", [{ ...file, claims: { bytes: 500 } }], /ends after 40 of 500 bytes/],
    ["is encrypted", [{ ...file, claims: { flags: 1 } }], /chunk\.0000: is encrypted/],
    ["is compressed in another way", [{ ...file, method: 93 }], /method 93/],
  ])("is refused when it %s", async (_, files, message) => {
    const refused = contentOf(zipOf(files));
    await expect(refused).rejects.toThrow(TraceError);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toThrow(path);
  });
});
