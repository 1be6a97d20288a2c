/** The registry of decode kernels: one line each. */

export { decodeCsv } from "./csv";
export { decodeIds } from "./ids";
export { decodeLackey } from "./lackey";
export { decodeOracleGeneral } from "./oracle_general";
export { decodePerfScript } from "./perf_script";
