/** The tag of a page that is no object, as assembly/core/runs.ts has it: address space above, vpn below. */

export const ASID_SHIFT = 52;
export const ASID_MASK = 0xfff;

const VPN_MASK = (1n << BigInt(ASID_SHIFT)) - 1n;

export function asidOf(tag: bigint): number {
  return Number(tag >> BigInt(ASID_SHIFT));
}

export function vpnOf(tag: bigint): bigint {
  return tag & VPN_MASK;
}
