/** A benchmark of simulators that disagree measures nothing: their counts are compared. */

/** Throws unless every contestant has the counts of the first; `undefined` ones were not there. */
export function mustAgree(what: string, counts: Record<string, unknown>): void {
  const present = Object.entries(counts).filter(([, value]) => value !== undefined);
  const texts = present.map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  const [first] = present;
  if (present.every(([, value]) => JSON.stringify(value) === JSON.stringify(first?.[1]))) return;
  throw new Error(`${what}: results differ\n  ${texts.join("\n  ")}`);
}
