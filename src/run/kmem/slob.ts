/**
 * SLOB, the allocator of small machines that Linux had until 6.4: pages in three lists, for objects below 256
 * bytes, below 1 KiB, and below a page; the first page with a gap that is large enough serves, at the first
 * such gap. A kmalloc'ed object has a word before it that says how long it is. Whatever does not fit in a
 * page is a block of pages. An empty page is given back.
 *
 * Models mm/slob.c of Linux 6.3: slob_alloc, slob_page_alloc, slob_free. Left out: the rotation of a list
 * after a hit, so this is first fit; and the 2 bytes of alignment that some machines have.
 */

const PAGE_BYTES = 4096;
const WORD_BYTES = 8;
const BREAKS = [256, 1024, PAGE_BYTES];

/** Free gaps as [start, end, start, end, ...] in order. */
interface Page {
  number: number;
  free: number;
  gaps: number[];
  /** No gap is longer; it may be that none is as long. */
  longest: number;
  list: Page[];
}

export class Slob {
  /** Pages held. */
  pages = 0;
  readonly #lists: Page[][] = BREAKS.map(() => []);
  readonly #byNumber = new Map<number, Page>();
  readonly #spare: number[] = [];
  #numbers = 1;

  alloc(requested: number, hasHeader: boolean): { address: number; bytes: number } {
    const bytes = roundUp(requested + (hasHeader ? WORD_BYTES : 0));
    if (bytes >= PAGE_BYTES) {
      const pages = 2 ** Math.max(0, Math.ceil(Math.log2(requested / PAGE_BYTES)));
      this.pages += pages;
      return { address: LARGE, bytes: pages * PAGE_BYTES };
    }
    const list = this.#lists[BREAKS.findIndex((end) => bytes < end)] as Page[];
    for (const page of list) {
      const start = page.longest < bytes ? undefined : takeGap(page, bytes);
      if (start !== undefined) return { address: page.number * PAGE_BYTES + start, bytes };
    }
    const page = this.#newPage(list);
    return { address: page.number * PAGE_BYTES + (takeGap(page, bytes) ?? 0), bytes };
  }

  /** Frees what `alloc` gave. */
  free(address: number, bytes: number): void {
    if (address === LARGE) {
      this.pages -= bytes / PAGE_BYTES;
      return;
    }
    const page = this.#byNumber.get(Math.floor(address / PAGE_BYTES)) as Page;
    giveGap(page, address % PAGE_BYTES, bytes);
    if (page.free < PAGE_BYTES) return;
    page.list.splice(page.list.indexOf(page), 1);
    this.#byNumber.delete(page.number);
    this.#spare.push(page.number);
    this.pages--;
  }

  #newPage(list: Page[]): Page {
    const number = this.#spare.pop() ?? this.#numbers++;
    const page = { number, free: PAGE_BYTES, gaps: [0, PAGE_BYTES], longest: PAGE_BYTES, list };
    list.unshift(page);
    this.#byNumber.set(number, page);
    this.pages++;
    return page;
  }
}

// --- internal ---

/** Where no page of a list is: pages are numbered from 1. */
const LARGE = 1;

function roundUp(bytes: number): number {
  return Math.ceil(bytes / WORD_BYTES) * WORD_BYTES;
}

/** Takes the first gap of `bytes` bytes; where it starts, or undefined. */
function takeGap(page: Page, bytes: number): number | undefined {
  const { gaps } = page;
  let longest = 0;
  for (let at = 0; at < gaps.length; at += 2) {
    const start = gaps[at] as number;
    const end = gaps[at + 1] as number;
    if (end - start >= bytes) {
      if (end - start === bytes) gaps.splice(at, 2);
      else gaps[at] = start + bytes;
      page.free -= bytes;
      return start;
    }
    longest = Math.max(longest, end - start);
  }
  page.longest = longest;
  return undefined;
}

function giveGap(page: Page, start: number, bytes: number): void {
  const { gaps } = page;
  let at = 0;
  while (at < gaps.length && (gaps[at] as number) < start) at += 2;
  gaps.splice(at, 0, start, start + bytes);
  if (at + 2 < gaps.length && gaps[at + 1] === gaps[at + 2]) gaps.splice(at + 1, 2);
  if (at > 0 && gaps[at - 1] === gaps[at]) {
    gaps.splice(at - 1, 2);
    at -= 2;
  }
  page.free += bytes;
  page.longest = Math.max(page.longest, (gaps[at + 1] as number) - (gaps[at] as number));
}
