/*
 * What lackey's decoder does beside what all decoders of lines do (text_formats.test.ts): it passes over
 * valgrind's messages however long they are, and can do with a buffer of 64 bytes.
 */

import { describe, expect, it } from "vitest";
import { parseLackey } from "../reference/lackey.ts";
import { BUILDS } from "../support/builds.ts";
import { type Decoded, type DecodeOptions, decodedSlowly, decodeText } from "../support/text_decoding.ts";
import { lackey } from "../support/text_formats/lackey.ts";

describe.each(BUILDS)("the lackey decoder of the %s Wasm", (_build, module) => {
  const compare = async (text: string, options: DecodeOptions, message: string): Promise<Decoded> => {
    const expected = decodedSlowly(text, parseLackey(text, options));
    const { runs: _, ...decoded } = await decodeText(module, lackey.reading, text, options);
    if (expected.error !== undefined) expected.touches.length = decoded.touches.length;
    expect(decoded, `${message}: ${JSON.stringify(text)}`).toEqual(expected);
    return decoded;
  };

  it("reads the same in a buffer of 64 bytes, whatever the length of the pieces", async () => {
    const text = lackey.small.join("\n");
    for (let length = 1; length < 64; length += 1) {
      await compare(text, { pageShift: 12, textBytes: 64, pieces: [length] }, `pieces of ${length}`);
    }
  });

  it("refuses a line that starts with three NUL bytes", async () => {
    for (const line of ["\0\0\x0004001090,3", "\0\0\x001ffeffe7e0,8"]) {
      const text = `I  04001090,3\n${line}\n${"I  04001093,2\n".repeat(3)}`;
      const { error } = await compare(text, { pageShift: 12 }, "three NUL bytes");
      expect(error).toMatchObject({ line: 2, byte: 14 });
    }
  });

  it("passes over messages longer than its buffer, and refuses other lines that are", async () => {
    for (const textBytes of [64, 65, 79]) {
      for (let length = textBytes - 3; length < textBytes + 80; length += 1) {
        for (const end of ["\n", "\r\n", ""]) {
          for (const head of ["==", "**", "L ", " L 1000,", "SB "]) {
            for (const skipBadLines of [false, true]) {
              const line = head + "1".repeat(length - head.length);
              const after = end === "" ? "" : " S 2000,4\n L 3000,4\n";
              const text = ` L 1000,8\n${line}${end}${after}`;
              const options = { pageShift: 12, textBytes, skipBadLines, pieces: [37] };
              await compare(
                text,
                options,
                `buffer of ${textBytes}, line of ${length}, skip: ${skipBadLines}`,
              );
            }
          }
        }
      }
    }
  });
});
