/**
 * The tasks that run in piscina's workers, a file each in work/. Each returns an `Outcome`, because a thread
 * boundary keeps messages of errors but not their classes.
 */

export { cells } from "./work/cells.ts";
export { curve } from "./work/curve.ts";
export { curveChunk } from "./work/curve_chunk.ts";
export { curveMerge } from "./work/curve_merge.ts";
export { decode } from "./work/decode.ts";
export { decompress } from "./work/decompress.ts";
export { digest } from "./work/digest.ts";
export { lab } from "./work/lab.ts";
export { letIn } from "./work/let_in.ts";
export { nextUse } from "./work/next_use.ts";
export { pack } from "./work/pack.ts";
export { replay } from "./work/replay.ts";
export { scan } from "./work/scan.ts";
export { survey } from "./work/survey.ts";
