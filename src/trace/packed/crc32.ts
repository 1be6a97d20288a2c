/** CRC-32 as zlib, PNG and Ethernet have it (polynomial 0xEDB88320), from Node's zlib. */

import { crc32 as zlibCrc32 } from "node:zlib";

/** The checksum of `bytes`, going on from that of what came before. */
export function crc32(bytes: Uint8Array, before = 0): number {
  return zlibCrc32(bytes, before);
}
