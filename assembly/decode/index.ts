/** The registry of decode kernels: one line each. */

export { decodeAddress } from "./address";
export { decodeChampsim } from "./champsim";
export { decodeCsv } from "./csv";
export { decodeDin } from "./din";
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
export { decodePerfScript } from "./perf_script";
export { decodePinatrace } from "./pinatrace";
export { decodeVscsi } from "./vscsi";
export { decodeXdin } from "./xdin";
