/*
 * MQ, multi-queue: LRU queues by the logarithm of a page's reference count. A page that has been in a queue
 * for a lifetime without a reference sinks by one queue; counts outlive eviction for a while.
 *
 * Why: the procedures of Y. Zhou, J. F. Philbin and K. Li, "The Multi-Queue Replacement Algorithm for Second
 * Level Buffer Caches", USENIX Annual Technical Conference 2001, except that a page that is in Qout leaves it
 * before the victim enters it.
 *
 * Parameters: queues (8), the paper's m. lifetime ("400%"), the paper's lifeTime, as a share of the frames,
 * at least 1, and out ("400%"), the size of Qout likewise.
 */

import type { PageId, PolicyContext, SlowPolicy } from "./contract.ts";
import { integerOf, pagesOf } from "./parameters.ts";

interface Block {
  page: PageId;
  reference: number;
  expireTime: number;
}

export function mq(context: PolicyContext): SlowPolicy {
  const m = integerOf(context, "queues", 8);
  const lifeTime = Math.max(1, pagesOf(context, "lifetime", "400%", context.frames));
  const outMax = () => pagesOf(context, "out", "400%");

  /** Heads, the least recently used, are first. */
  const queues: Block[][] = Array.from({ length: m }, () => []);
  const qOut: Block[] = [];
  let returning: Block | undefined;
  let leaving: Block;
  let currentTime = 0;

  const queueNum = (reference: number): number => Math.min(Math.floor(Math.log2(reference)), m - 1);

  const adjust = (): void => {
    currentTime += 1;
    for (let k = 1; k < m; k += 1) {
      const head = queues[k]![0];
      if (head === undefined || head.expireTime >= currentTime) continue;
      queues[k]!.shift();
      queues[k - 1]!.push(head);
      head.expireTime = currentTime + lifeTime;
    }
  };

  const enqueue = (page: PageId, reference: number): void => {
    queues[queueNum(reference)]!.push({ page, reference, expireTime: currentTime + lifeTime });
    adjust();
  };

  const shortenOut = (): void => {
    while (qOut.length > outMax()) qOut.shift();
  };
  const recall = (page: PageId): void => {
    returning = qOut.find((block) => block.page === page);
    if (returning !== undefined) qOut.splice(qOut.indexOf(returning), 1);
  };
  const dequeue = (page: PageId): Block => {
    const queue = queues.find((blocks) => blocks.some((block) => block.page === page))!;
    const at = queue.findIndex((other) => other.page === page);
    return queue.splice(at, 1)[0]!;
  };

  return {
    hit(page) {
      enqueue(page, dequeue(page).reference + 1);
    },
    victim(incoming) {
      shortenOut();
      recall(incoming);
      leaving = queues.find((blocks) => blocks.length > 0)!.shift()!;
      return leaving.page;
    },
    evicted() {
      qOut.push(leaving);
      shortenOut();
    },
    fill(page) {
      enqueue(page, (returning?.reference ?? 0) + 1);
      returning = undefined;
    },
    recall,
    remove: dequeue,
    forget(page) {
      recall(page);
      returning = undefined;
    },
  };
}
