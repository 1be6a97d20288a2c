/*
 * The vocabulary of the reference models: one reference of a process to one page.
 *
 * Why: everything that reads a trace produces these, and every simulator takes them, so that the
 * models agree on what "a reference" is. The terms (reference, page, write) are those of
 * P. J. Denning, "Virtual Memory", ACM Computing Surveys 2(3), 1970; the four kinds of access are
 * those that Valgrind's lackey tool prints (see lackey.ts).
 */

/** What the processor did: fetched an instruction, loaded, stored, or loaded and stored. */
export type Kind = "fetch" | "load" | "store" | "modify";

/** One reference to one page. */
export interface Touch {
  /** Address-space identifier: which process's address space the page is in. */
  asid: number;
  /** Virtual page number, in units of the page size in use. */
  vpn: bigint;
  kind: Kind;
  /** The processor core that it comes from; 0 where nothing says otherwise. */
  core?: number;
}

/** A store and a modify (a load and a store to the same place) make a page dirty. */
export function isWrite(kind: Kind): boolean {
  return kind === "store" || kind === "modify";
}
