/** Decompresses pieces of a trace for another worker. */

import { sendParts } from "../decompression.ts";
import type { DecompressTask, Outcome } from "../tasks.ts";
import { outcome } from "./outcome.ts";

export function decompress({ decompression, helper }: DecompressTask): Promise<Outcome<void>> {
  return outcome(() => sendParts(decompression, helper));
}
