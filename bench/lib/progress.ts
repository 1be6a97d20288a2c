/** What is going on, on standard error, so that results can be piped. */

export function progress(what: string): void {
  process.stderr.write(`  ... ${what}\n`);
}
