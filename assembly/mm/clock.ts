/**
 * Time in the modelled machine, in nanoseconds: that of the processor that runs now. TypeScript sets it when
 * a process gets a processor; what the kernel does on its behalf adds to it.
 */

let now: f64 = 0;

export function clockNow(): f64 {
  return now;
}

export function setClock(ns: f64): void {
  now = ns;
}

let userNs: f64 = 0;

/** The processor is busy with the process's own instructions for so long. */
export function spend(ns: f64): void {
  now += ns;
  userNs += ns;
}

/** The processor is busy in the kernel for so long. */
export function work(ns: f64): void {
  now += ns;
}

/** Nanoseconds of processes' own instructions since this was last asked. */
export function takeUser(): f64 {
  const ns = userNs;
  userNs = 0;
  return ns;
}

let waited: f64 = 0;

/** The process waits, and another can have its processor. */
export function waitUntil(ns: f64): void {
  if (ns <= now) return;
  waited += ns - now;
  now = ns;
}

/** Nanoseconds waited since this was last asked. */
export function takeWaited(): f64 {
  const ns = waited;
  waited = 0;
  return ns;
}

/** What the work of the kernel costs, in nanoseconds; set from TypeScript by number. */
const COSTS: usize = memory.data(128, 16);

/** A reference, the walk behind it, and faults: those of src/machine/costs.ts. */
export const COST_REFERENCE: u32 = 0;
export const COST_L2_TLB: u32 = 1;
export const COST_WALK_REFERENCE: u32 = 2;
export const COST_FAULT: u32 = 3;
/** Zeroing or copying a page. */
export const COST_PAGE_COPY: u32 = 4;
/** Mapping one more page in a fault that maps several, or for fork. */
export const COST_MAP: u32 = 5;
/** Looking at a page in reclaim, and taking it away. */
export const COST_SCAN: u32 = 6;
export const COST_RECLAIM: u32 = 7;
/** A system call. */
export const COST_CALL: u32 = 8;

export function setCost(index: u32, ns: f64): void {
  store<f64>(COSTS + (index << 3), ns);
}

export function costOf(index: u32): f64 {
  return load<f64>(COSTS + (index << 3));
}

/** Spends what some work costs. */
export function pay(index: u32): void {
  now += load<f64>(COSTS + (index << 3));
}
