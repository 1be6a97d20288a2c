/**
 * Where the fields of a binary trace of objects are, in the order in which assembly/decode/oracle_general.ts
 * takes them as settings.
 */

export interface Field {
  at: number;
  /** 1, 2, 4 or 8. */
  bytes: number;
}

export interface ObjectLayout {
  recordBytes: number;
  object: Field;
  /** Without sizes every record is a reference. */
  size?: (Field & { signed: boolean }) | undefined;
  /** Without operations every reference is a load. */
  operation?: Field | undefined;
}

const MISSING: Field = { at: 0, bytes: 0 };

export function settingsOf({ recordBytes, object, size, operation = MISSING }: ObjectLayout): number[] {
  const { at, bytes } = size ?? MISSING;
  const signed = size?.signed ? 1 : 0;
  return [recordBytes, object.at, object.bytes, at, bytes, signed, operation.at, operation.bytes];
}
