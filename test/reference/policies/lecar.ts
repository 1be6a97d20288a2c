/*
 * LeCaR: each victim is chosen by LRU or by LFU, at random with weights that are learned from regret.
 *
 * Why: G. Vietri et al., "Driving Cache Replacement with ML-based LeCaR", HotStorage 2018, algorithms 1
 * and 2: a page that comes back from an expert's history has been evicted wrongly, and the other expert's
 * weight grows by a factor of e^(rate * r), where r = d^t, t is the time since the eviction in references
 * and d = 0.005^(1/N). What the paper leaves open is as in the authors' program (github.com/sylab/LeCaR): a
 * page that comes back from a history has its frequency from before. LFU ties go to the
 * lowest page.
 *
 * Parameters: rate (45%), history (50%): each expert's history as a share of N, rounded down, at least
 * one page; least (0%): the least weight of an expert. Powers and exponentials are computed with + * /
 * alone, so that an engine can have the same bits.
 */

import type { PageId, PolicyContext, SlowPolicy } from "./contract.ts";
import { share } from "./params.ts";

interface Entry {
  page: PageId;
  frequency: number;
  /** Of the last reference, and then of the eviction. */
  time: number;
}

type Expert = "lru" | "lfu";

export function lecar({ capacity, params, random }: PolicyContext): SlowPolicy {
  const rate = share(params["rate"] ?? "45%");
  const historyLength = () => Math.max(1, Math.floor(capacity() * share(params["history"] ?? "50%")));
  const leastWeight = share(params["least"] ?? "0%");

  const cache: Entry[] = [];
  /** Longest evicted first. */
  const histories: Record<Expert, Entry[]> = { lru: [], lfu: [] };
  const weights: Record<Expert, number> = { lru: 0.5, lfu: 0.5 };
  /** The number of the reference that is processed, among those that the policy hears of. */
  let now = 1;
  /** What is known of the page that is coming in. */
  let frequency = 1;
  let leaving: { entry: Entry; history: Entry[] };

  const regret = (expert: Expert, { time }: Entry): void => {
    weights[expert === "lru" ? "lfu" : "lru"] *= exponential(
      rate * power(discountOf(capacity()), now - time),
    );
    const sum = weights.lru + weights.lfu;
    const limited = (weight: number) => Math.min(Math.max(weight / sum, leastWeight), 1 - leastWeight);
    Object.assign(weights, { lru: limited(weights.lru), lfu: limited(weights.lfu) });
  };

  const recall = (page: PageId): void => {
    frequency = 1;
    for (const expert of ["lru", "lfu"] as const) {
      const history = histories[expert];
      const at = history.findIndex((entry) => entry.page === page);
      if (at === -1) continue;
      const [entry] = history.splice(at, 1);
      regret(expert, entry!);
      frequency = entry!.frequency + 1;
    }
  };

  const choiceOf = (expert: Expert): Entry => {
    const order =
      expert === "lru"
        ? (a: Entry, b: Entry) => a.time - b.time
        : (a: Entry, b: Entry) => a.frequency - b.frequency || a.page - b.page;
    return [...cache].sort(order)[0]!;
  };

  return {
    hit(page) {
      const entry = cache.find((other) => other.page === page)!;
      entry.frequency += 1;
      entry.time = now;
      now += 1;
    },
    victim(page) {
      for (const history of Object.values(histories)) {
        while (history.length > historyLength()) history.shift();
      }
      recall(page);
      const expert = random(2 ** 31) / 2 ** 31 < weights.lru ? "lru" : "lfu";
      const entry = choiceOf(expert);
      cache.splice(cache.indexOf(entry), 1);
      leaving = { entry: { ...entry, time: now }, history: histories[expert] };
      return entry.page;
    },
    evicted() {
      const { entry, history } = leaving;
      if (history.length === historyLength()) history.shift();
      history.push(entry);
    },
    fill(page) {
      cache.push({ page, frequency, time: now });
      frequency = 1;
      now += 1;
    },
    recall,
    remove(page) {
      cache.splice(
        cache.findIndex((entry) => entry.page === page),
        1,
      );
    },
    forget(page) {
      for (const history of Object.values(histories)) {
        const at = history.findIndex((entry) => entry.page === page);
        if (at !== -1) history.splice(at, 1);
      }
    },
  };
}

/** e^x by its series, for x >= 0, to where it changes no more. */
export function exponential(x: number): number {
  let sum = 1;
  let term = x;
  for (let n = 2; sum + term !== sum; n += 1) {
    sum += term;
    term = (term * x) / n;
  }
  return sum;
}

/** base^n by squaring, from the lowest bit of n. */
export function power(base: number, n: number): number {
  let result = 1;
  let square = base;
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}

/** 0.005^(1/frames) as 1 / e^(ln 200 / frames). */
export function discountOf(frames: number): number {
  return 1 / exponential(5.298317366548036 / frames);
}
