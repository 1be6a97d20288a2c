/** The registry of decode kernels: one line each. */

export {
  closedBy,
  decodeDrmemtrace,
  decodedThreads,
  initThreads,
  pauseAt,
  pausedTime,
  threadId,
} from "./drmemtrace";
export { decodeIds } from "./ids";
export { decodeLackey } from "./lackey";
export { decodeOracleGeneral } from "./oracle_general";
