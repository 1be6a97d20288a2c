/** How a packed trace begins: as PNG does, so that a transfer that takes it for text is noticed. */

export const MAGIC = Uint8Array.of(0x89, 0x63, 0x68, 0x74, 0x0d, 0x0a, 0x1a, 0x0a);

/** Whether a file that starts so is, or was, a packed trace: one byte of its magic may be damaged. */
export function looksPacked(head: Uint8Array): boolean {
  return head.length >= MAGIC.length && MAGIC.filter((byte, at) => head[at] !== byte).length <= 1;
}
