/** The registry of decode kernels: one line each. */

export { decodeAddress } from "./address";
export { decodeDin } from "./din";
export { decodeIds } from "./ids";
export { decodeLackey } from "./lackey";
export { decodeOracleGeneral } from "./oracle_general";
export { decodePinatrace } from "./pinatrace";
export { decodeXdin } from "./xdin";
