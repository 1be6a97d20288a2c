/**
 * Valgrind lackey, `valgrind --tool=lackey --trace-mem=yes`: text, a reference a line, with Valgrind's
 * messages among them. assembly/decode/lackey.ts decodes it and has the grammar.
 */

import type { TraceFormat } from "../format.ts";

const LINE = /^(I {2}| [LSM] )[0-9a-f]+,\d+$/i;
const MESSAGE = /^(==|--|\*\*|SB )|^$/;

export const lackey: TraceFormat = {
  name: "lackey",
  summary: "Valgrind lackey with --trace-mem=yes: fetches, loads, stores and modifies as text",
  source: "Valgrind, lackey/lk_main.c",
  kernel: "decodeLackey",
  unit: "line",
  objects: false,
  expected: 'like "I  04001090,3", " L 1ffeffe7e0,8", " S ..." or " M ..."',
  /** One of the first lines is a reference; messages, or a little garbage, may come before it. */
  recognise(head) {
    const lines = new TextDecoder("latin1")
      .decode(head)
      .split("\n")
      .map((line) => line.replace(/\r$/, ""));
    return (
      lines.some((line) => LINE.test(line)) ||
      lines.some((line) => MESSAGE.test(line) && line.startsWith("=="))
    );
  },
};
