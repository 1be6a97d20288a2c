/** The registry of decode kernels: one line each. */

export { decodeChampsim } from "./champsim";
export { decodeIds } from "./ids";
export { decodeLackey } from "./lackey";
export { decodeOracleGeneral } from "./oracle_general";
export { decodeVscsi } from "./vscsi";
