/**
 * FIFO, LRU and Clock as one writes them in JavaScript: a `Map` by page, whose order of insertion is the
 * queue.
 */

/** What `reference` returns when it evicts nothing. */
export const HIT = -1;
export const FILLED = -2;

export interface MapPolicy {
  /** References a page; returns the page that was evicted for it, `HIT` or `FILLED`. */
  reference(page: number): number;
}

export const MAP_POLICIES: Record<string, new (frames: number) => MapPolicy> = {
  fifo: class implements MapPolicy {
    readonly #resident = new Map<number, true>();
    /** One iterator for the whole run: a new one would step over all that was deleted before. */
    readonly #oldest = this.#resident.keys();
    readonly #frames: number;

    constructor(frames: number) {
      this.#frames = frames;
    }

    reference(page: number): number {
      if (this.#resident.has(page)) return HIT;
      let evicted = FILLED;
      if (this.#resident.size === this.#frames) {
        evicted = this.#oldest.next().value as number;
        this.#resident.delete(evicted);
      }
      this.#resident.set(page, true);
      return evicted;
    }
  },

  /**
   * With a list of nodes: re-inserting into the map at every hit is two to three times slower, for it fills
   * with holes.
   */
  lru: class implements MapPolicy {
    readonly #nodeOf = new Map<number, ListNode>();
    readonly #list = sentinel();
    readonly #frames: number;

    constructor(frames: number) {
      this.#frames = frames;
    }

    reference(page: number): number {
      let evicted = HIT;
      let node = this.#nodeOf.get(page);
      if (node !== undefined) {
        unlink(node);
      } else {
        evicted = FILLED;
        if (this.#nodeOf.size === this.#frames) {
          const oldest = this.#list.previous;
          evicted = oldest.page;
          this.#nodeOf.delete(evicted);
          unlink(oldest);
        }
        node = { page, next: this.#list, previous: this.#list };
        this.#nodeOf.set(page, node);
      }
      const first = this.#list.next;
      node.next = first;
      node.previous = this.#list;
      first.previous = node;
      this.#list.next = node;
      return evicted;
    }
  },

  clock: class implements MapPolicy {
    readonly #frameOf = new Map<number, number>();
    readonly #pages: number[] = [];
    readonly #referenced: boolean[] = [];
    readonly #frames: number;
    #hand = 0;

    constructor(frames: number) {
      this.#frames = frames;
    }

    reference(page: number): number {
      const resident = this.#frameOf.get(page);
      if (resident !== undefined) {
        this.#referenced[resident] = true;
        return HIT;
      }
      let frame = this.#pages.length;
      let evicted = FILLED;
      if (frame === this.#frames) {
        frame = this.#sweep();
        evicted = this.#pages[frame] as number;
        this.#frameOf.delete(evicted);
      }
      this.#pages[frame] = page;
      this.#referenced[frame] = false;
      this.#frameOf.set(page, frame);
      return evicted;
    }

    #sweep(): number {
      for (;;) {
        const frame = this.#hand;
        this.#hand = (frame + 1) % this.#frames;
        if (!this.#referenced[frame]) return frame;
        this.#referenced[frame] = false;
      }
    }
  },
};

// --- internal ---

interface ListNode {
  page: number;
  next: ListNode;
  previous: ListNode;
}

function sentinel(): ListNode {
  const node = { page: -1 } as ListNode;
  node.next = node;
  node.previous = node;
  return node;
}

function unlink(node: ListNode): void {
  node.previous.next = node.next;
  node.next.previous = node.previous;
}
