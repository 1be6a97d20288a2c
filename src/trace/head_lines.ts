/** The lines at the start of a trace, by which text formats are recognised. */

/**
 * Whether most lines have this form, but for such as may be among them. A few that are damaged do not count:
 * better an error that names them than a trace that is not recognised.
 */
export function areLines(head: Uint8Array, form: RegExp, other: RegExp): boolean {
  const lines = headLines(head);
  const good = lines.filter((line) => form.test(line)).length;
  const bad = lines.filter((line) => !form.test(line) && !other.test(line)).length;
  return 2 * bad < good;
}

// --- internal ---

/** All that are whole: the last one only if it is the only one, for the head may end inside it. */
function headLines(head: Uint8Array): string[] {
  const lines = new TextDecoder("latin1")
    .decode(head)
    .split("\n")
    .map((line) => line.replace(/\r$/, ""));
  return lines.length > 1 ? lines.slice(0, -1) : lines;
}
