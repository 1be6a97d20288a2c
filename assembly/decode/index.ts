/** The registry of decode kernels: one line each. */

export { decodeLackey } from "./lackey";
