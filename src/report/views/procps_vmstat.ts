/**
 * `vmstat` of procps-ng 4 (src/vmstat.c, 4.0.2) without options: since boot from one sample, or between two,
 * which are `seconds` apart. Timestamps, disks, slabs and wide columns are left out, and the column `gu`,
 * which 4.0.3 added.
 */

import { type Counter, type Quantity, type SystemStat, valueIn } from "../../machine_state.ts";
import { summarize } from "./free.ts";

export interface VmstatSample {
  meminfo: readonly Quantity[];
  vmstat: readonly Counter[];
  stat: SystemStat;
  page_bytes: number;
}

export interface VmstatInterval {
  before: VmstatSample;
  /** A whole number, as the command's delay is, or a fraction. */
  seconds: number;
}

export const VMSTAT_HEAD = `procs -----------memory---------- ---swap-- -----io---- -system-- ------cpu-----
 r  b   swpd   free   buff  cache   si   so    bi    bo   in   cs us sy id wa st
`;
const WIDTHS = [2, 2, 6, 6, 6, 6, 4, 4, 5, 5, 4, 4, 2, 2, 2, 2, 2];
const USER_HZ = 100;

export function renderProcpsVmstat(samples: readonly VmstatSample[], seconds = 1): string {
  const lines = samples.map((sample, index) => {
    const before = samples[index - 1];
    return renderVmstatLine(sample, before === undefined ? undefined : { before, seconds });
  });
  return VMSTAT_HEAD + lines.join("");
}

export function renderVmstatLine(sample: VmstatSample, interval?: VmstatInterval): string {
  return line(fieldsOf(sample, interval));
}

/** The numbers of a line, r to st. */
export function fieldsOf(now: VmstatSample, interval?: VmstatInterval): number[] {
  const { swap, free, buffers, cache } = summarize(now.meminfo);
  const cpu = cpuTicks(now.stat, interval?.before.stat);
  const all = cpu.use + cpu.sys + cpu.idle + cpu.iowait + cpu.steal;
  const ticks = all === 0 ? 1 : all;
  const idle = all === 0 ? 1 : cpu.idle;
  const half = Math.floor(ticks / 2);
  const share = (part: number): number => Math.floor((100 * part + half) / ticks);
  const rate = (count: (sample: VmstatSample) => number, convert = (amount: number) => amount): number => {
    if (interval === undefined) {
      const { ticks_per_second = USER_HZ } = now.stat;
      return Math.floor((convert(count(now)) * ticks_per_second + half) / ticks);
    }
    const { before, seconds } = interval;
    return Math.floor((convert(count(now) - count(before)) + Math.floor(seconds / 2)) / seconds);
  };
  const counter = (name: string) => (sample: VmstatSample) => valueIn(sample.vmstat, name) ?? 0;
  // The command takes sizes through a float.
  const kilobytes = (pages: number): number => Math.fround(pages * (now.page_bytes / 1024));
  return [
    now.stat.procs_running,
    now.stat.procs_blocked,
    ...[swap.used, free, buffers, cache].map(Math.fround),
    rate(counter("pswpin"), kilobytes),
    rate(counter("pswpout"), kilobytes),
    rate(counter("pgpgin")),
    rate(counter("pgpgout")),
    rate(({ stat }) => stat.intr),
    rate(({ stat }) => stat.ctxt),
    ...[Math.max(cpu.use - cpu.guest, 0), cpu.sys, idle, cpu.iowait, cpu.steal].map(share),
  ];
}

/** Ticks by what `vmstat` tells apart; a guest's are among the user's. */
function cpuTicks(now: SystemStat, before: SystemStat | undefined) {
  const ticks = (name: string): number =>
    (valueIn(now.cpu, name) ?? 0) - (valueIn(before?.cpu ?? [], name) ?? 0);
  return {
    use: ticks("user") + ticks("nice"),
    sys: ticks("system") + ticks("irq") + ticks("softirq"),
    idle: Math.max(ticks("idle"), 0),
    iowait: ticks("iowait"),
    steal: ticks("steal"),
    guest: ticks("guest") + ticks("guest_nice"),
  };
}

function line(fields: readonly number[]): string {
  return `${fields.map((value, index) => String(value).padStart(WIDTHS[index] ?? 0)).join(" ")}\n`;
}
