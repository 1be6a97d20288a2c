/**
 * A line read field by field: the grammar of numbers and blanks that text formats share. The number that a
 * field was is in `value`; one of more than 64 bits is none.
 */

const HEX_DIGITS_MAX: u32 = 16;
const DECIMAL_DIGITS_MAX: u32 = 20;
const NONE: u32 = u32.MAX_VALUE;

@unmanaged
@final
class Fields {
  at: usize;
  end: usize;
  value: u64;

  /** Begins a line, behind the blanks that it may begin with. */
  start(at: usize, lineEnd: usize): void {
    this.at = at;
    this.end = lineEnd;
    this.blanks();
  }

  get isEnd(): bool {
    return this.at >= this.end;
  }

  /** The next byte, or a number that is none. */
  get next(): u32 {
    return this.isEnd ? NONE : <u32>load<u8>(this.at);
  }

  /** Takes one byte and returns it. */
  take(): u32 {
    const c = this.next;
    this.at++;
    return c;
  }

  /** Takes spaces and tabs; whether there were any. */
  blanks(): bool {
    const first = this.at;
    while (isBlank(this.next)) this.at++;
    return this.at != first;
  }

  /** Whether a field ends here. */
  get isBorder(): bool {
    return this.isEnd || isBlank(this.next);
  }

  /** Takes a hexadecimal number, with 0x before it or without. */
  hex(): bool {
    if (this.end - this.at > 2 && load<u8>(this.at) == 0x30 && (load<u8>(this.at, 1) | 0x20) == 0x78) {
      this.at += 2;
    }
    return this.hexDigits();
  }

  /** Takes a hexadecimal number of at most 16 digits. */
  hexDigits(): bool {
    const first = this.at;
    let value: u64 = 0;
    for (;;) {
      const nibble = hexDigit(this.next);
      if (nibble > 15) break;
      value = (value << 4) | nibble;
      this.at++;
    }
    this.value = value;
    return this.at - first - 1 < HEX_DIGITS_MAX;
  }

  /** Takes a decimal number of at most 20 digits. */
  decimal(): bool {
    const first = this.at;
    let value: u64 = 0;
    for (;;) {
      const digit = <u64>this.next - 0x30;
      if (digit > 9) break;
      if (value > (u64.MAX_VALUE - digit) / 10) return false;
      value = value * 10 + digit;
      this.at++;
    }
    this.value = value;
    return this.at - first - 1 < DECIMAL_DIGITS_MAX;
  }
}

export const fields: Fields = changetype<Fields>(memory.data(offsetof<Fields>(), 16));

/** The value of a hexadecimal digit, more than 15 for anything else. */
export function hexDigit(c: u32): u32 {
  const digit = c - 0x30;
  if (digit <= 9) return digit;
  const letter = (c | 0x20) - 0x61;
  return letter <= 5 ? letter + 10 : NONE;
}

function isBlank(c: u32): bool {
  return c == 0x20 || c == 0x09;
}
