/** The lines at the start of a trace, by which text formats are recognised. */

/** All that are whole: the last one only if it is the only one, for the head may end inside it. */
export function headLines(head: Uint8Array): string[] {
  const lines = new TextDecoder("latin1")
    .decode(head)
    .split("\n")
    .map((line) => line.replace(/\r$/, ""));
  return lines.length > 1 ? lines.slice(0, -1) : lines;
}

/** Whether there are lines of this form, and else only such as may be among them. */
export function areLines(head: Uint8Array, form: RegExp, other: RegExp): boolean {
  const lines = headLines(head);
  return lines.some((line) => form.test(line)) && lines.every((line) => form.test(line) || other.test(line));
}
