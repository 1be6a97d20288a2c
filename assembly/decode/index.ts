/** The registry of decode kernels: one line each. */

export { decodeAddress } from "./address";
export { decodeChampsim } from "./champsim";
export { decodeDin } from "./din";
export { decodeIds } from "./ids";
export { decodeLackey } from "./lackey";
export { decodeOracleGeneral } from "./oracle_general";
export { decodePinatrace } from "./pinatrace";
export { decodeVscsi } from "./vscsi";
export { decodeXdin } from "./xdin";
