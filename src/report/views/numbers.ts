/** How C's printf writes the numbers of these views. */

const TWO_TO_64 = 2n ** 64n;

/** `%lu`: what went below zero is shown as the unsigned long that it is. */
export function unsigned(value: number): string {
  return value < 0 ? String(BigInt(value) + TWO_TO_64) : String(value);
}

/** `%*lu`. */
export function unsignedIn(width: number, value: number): string {
  return unsigned(value).padStart(width);
}

/** `%.1f` of a float that is not negative: halves go to the even digit, as in glibc. */
export function oneDecimal(float: number): string {
  // Ten times a float is exact.
  const tenths = float * 10;
  const floor = Math.floor(tenths);
  const rounded = tenths - floor === 0.5 ? floor + (floor % 2) : Math.round(tenths);
  return `${Math.floor(rounded / 10)}.${rounded % 10}`;
}
