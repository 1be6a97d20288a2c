/*
 * What is slow to compute and the same for both builds is computed once.
 */

/** `make`, remembering what it has made for a key. */
export function memoized<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>();
  return (key) => {
    if (!made.has(key)) made.set(key, make(key));
    return made.get(key)!;
  };
}
