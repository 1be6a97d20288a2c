/**
 * ChampSim's binary traces of instructions, of 64 bytes each or in CloudSuite's layout of 96.
 * assembly/decode/champsim.ts decodes them and has the layouts.
 */

import { UserError } from "../../errors.ts";
import type { TraceFormat } from "../format.ts";

interface Layout {
  recordBytes: number;
  /** Where the addresses of memory operands are, of 8 bytes each. */
  operandsAt: number;
  operands: number;
}

const INPUT: Layout = { recordBytes: 64, operandsAt: 16, operands: 6 };
const CLOUDSUITE: Layout = { recordBytes: 96, operandsAt: 24, operands: 8 };
const IS_BRANCH_AT = 8;
const TAKEN_AT = 9;
const NEAR_BYTES = 4096n;
/** Addresses of five levels are sign-extended from bit 56. */
const SIGN_BITS = 56n;

export const champsim: TraceFormat = {
  name: "champsim",
  summary: "ChampSim's instructions: a fetch each, a load for each source and a store for each destination",
  source: "ChampSim, inc/trace_instruction.h",
  kernel: "decodeChampsim",
  unit: "record",
  objects: false,
  expected: "a record",
  parameters: [
    {
      name: "cloudsuite",
      default: "auto",
      summary: "yes: records of 96 bytes with address spaces; no: of 64; auto: by content",
    },
  ],
  recognise: (head) => layoutOf(head) !== undefined,
  prepare(head, parameters) {
    const { recordBytes } = wantedLayout(parameters.get("cloudsuite") as string, head);
    const isCloudsuite = recordBytes === CLOUDSUITE.recordBytes;
    const space = isCloudsuite ? " and an address space below 4095" : "";
    return {
      recordBytes,
      settings: [isCloudsuite ? 1 : 0],
      expected: `an instruction of ${recordBytes} bytes, with 0 or 1 for is_branch and for taken${space}`,
    };
  },
};

// --- internal ---

function wantedLayout(cloudsuite: string, head: Uint8Array): Layout {
  if (cloudsuite === "yes") return CLOUDSUITE;
  if (cloudsuite === "no") return INPUT;
  if (cloudsuite === "auto") return layoutOf(head) ?? INPUT;
  throw new UserError(`format champsim: cloudsuite is "${cloudsuite}"; it can be yes, no or auto`);
}

/** The layout in which all records of the head are instructions, most of them near the one before. */
function layoutOf(head: Uint8Array): Layout | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  return [INPUT, CLOUDSUITE].find((layout) => {
    const records = Math.floor(head.length / layout.recordBytes);
    let near = 0;
    let before = 0n;
    for (let record = 0; record < records; record++) {
      const at = record * layout.recordBytes;
      if (!isInstruction(view, at, layout)) return false;
      const ip = view.getBigInt64(at, true);
      if (ip - before < NEAR_BYTES && before - ip < NEAR_BYTES) near++;
      before = ip;
    }
    return records > 1 && 2 * near >= records - 1;
  });
}

/** There is no magic number, but only a branch can be taken, and there is code at the ip. */
function isInstruction(view: DataView, at: number, { operandsAt, operands }: Layout): boolean {
  const isBranch = view.getUint8(at + IS_BRANCH_AT);
  if (isBranch > 1 || view.getUint8(at + TAKEN_AT) > isBranch) return false;
  const ip = view.getBigInt64(at, true);
  if (ip === 0n || !isCanonical(ip)) return false;
  for (let operand = 0; operand < operands; operand++) {
    if (!isCanonical(view.getBigInt64(at + operandsAt + 8 * operand, true))) return false;
  }
  return true;
}

function isCanonical(address: bigint): boolean {
  const sign = address >> SIGN_BITS;
  return sign === 0n || sign === -1n;
}
