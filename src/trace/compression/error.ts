/** Damage in a compressed file: what is wrong, and about where. */
export class CompressionError extends Error {
  override readonly name = "CompressionError";
}
