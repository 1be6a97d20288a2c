/**
 * Reads the state of the machine that this runs on, or of a copied /proc folder. A file that is hidden, not
 * there or not understood leaves a part out, with the reason; only a system without /proc is refused.
 */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { TraceError, UserError } from "../errors.ts";
import {
  isAbsent,
  type MachineState,
  type Mapping,
  type Part,
  type ProcessState,
  type SystemStat,
  valueIn,
} from "../machine_state.ts";
import { parseBuddyinfo } from "./buddyinfo.ts";
import { parseMeminfo } from "./meminfo.ts";
import { parsePagetypeinfo } from "./pagetypeinfo.ts";
import { parsePressure } from "./pressure.ts";
import { parseProcessStat, parseProcessStatus } from "./process.ts";
import { parseSlabinfo } from "./slabinfo.ts";
import { parseSmaps, parseSmapsRollup } from "./smaps.ts";
import { parseStat, parseUptime } from "./stat.ts";
import { parseSwaps } from "./swaps.ts";
import { parseVmallocinfo } from "./vmallocinfo.ts";
import { parseVmstat } from "./vmstat.ts";
import { parseZoneinfo } from "./zoneinfo.ts";

/** A process by its number, or this one. */
export type Pid = number | "self";

const USUAL_PAGE_BYTES = 4096;

const HIDDEN: Record<string, string> = {
  ENOENT: "this kernel does not have it",
  EACCES: "this user may not read it",
  EPERM: "this user may not read it",
  ESRCH: "the process has no memory of its own",
  EOPNOTSUPP: "this kernel was started without it",
};

export function readMachineState(folder: string, pids: readonly Pid[]): MachineState {
  if (!existsSync(join(folder, "meminfo"))) {
    throw new UserError(
      folder === "/proc"
        ? "this system has no /proc/meminfo to read; this needs Linux"
        : `${folder} has no meminfo; --proc names a copy of Linux's /proc`,
    );
  }
  const read = readerOf(folder);
  const release = read("sys/kernel/osrelease", (text) => text.trim());
  return {
    kernel: typeof release === "string" ? `Linux ${release}` : "Linux",
    page_bytes: pageBytesOf(read("self/smaps", parseSmaps)),
    meminfo: read("meminfo", parseMeminfo),
    vmstat: read("vmstat", parseVmstat),
    zones: read("zoneinfo", parseZoneinfo),
    buddyinfo: read("buddyinfo", parseBuddyinfo),
    pagetypeinfo: read("pagetypeinfo", parsePagetypeinfo),
    slabinfo: read("slabinfo", parseSlabinfo),
    vmallocinfo: read("vmallocinfo", parseVmallocinfo),
    pressure: read("pressure/memory", parsePressure),
    swaps: read("swaps", parseSwaps),
    stat: withUptime(read("stat", parseStat), read("uptime", parseUptime)),
    processes: pids.map((pid) => readProcess(folder, pid)),
  };
}

type Read = <T>(name: string, parse: (text: string, path: string) => T) => Part<T>;

/** Reads files of a folder, each at its own moment: numbers of different files need not agree. */
function readerOf(folder: string): Read {
  return (name, parse) => {
    const path = join(folder, name);
    try {
      return parse(readFileSync(path, "utf8"), path);
    } catch (error) {
      const reason = reasonOf(error);
      if (reason === undefined) throw error;
      return { absent: error instanceof TraceError ? reason : `${path}: ${reason}` };
    }
  };
}

function reasonOf(error: unknown): string | undefined {
  if (error instanceof TraceError) return error.message;
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? undefined : (HIDDEN[code] ?? `it cannot be read (${code})`);
}

function withUptime(stat: Part<SystemStat>, uptime: Part<number>): Part<SystemStat> {
  if (isAbsent(stat) || isAbsent(uptime)) return stat;
  return { ...stat, uptime_seconds: uptime };
}

/** The size of this process's pages, which are the kernel's. */
function pageBytesOf(smaps: Part<Mapping[]>): number {
  const [mapping] = isAbsent(smaps) ? [] : smaps;
  const kb = mapping === undefined ? undefined : valueIn(mapping.fields, "KernelPageSize");
  return kb === undefined ? USUAL_PAGE_BYTES : kb * 1024;
}

function readProcess(folder: string, pid: Pid): ProcessState {
  const read = readerOf(join(folder, String(pid)));
  const stat = read("stat", parseProcessStat);
  if (isAbsent(stat)) {
    throw new UserError(
      existsSync(join(folder, String(pid))) ? stat.absent : `there is no process ${pid} in ${folder}`,
    );
  }
  const status = read("status", parseProcessStatus);
  const score = read("oom_score", numberIn);
  const adjustment = read("oom_score_adj", numberIn);
  return {
    ...stat,
    ...(isAbsent(score) ? {} : { oom_score: score }),
    ...(isAbsent(adjustment) ? {} : { oom_score_adj: adjustment }),
    rusage: isAbsent(status) ? stat.rusage : { ...stat.rusage, ...status },
    smaps: read("smaps", parseSmaps),
    smaps_rollup: read("smaps_rollup", parseSmapsRollup),
  };
}

function numberIn(text: string, path: string): number {
  if (!/^-?\d+\n$/.test(text)) throw new TraceError(`${path}: expected a number`);
  return Number(text);
}
