/**
 * What the kernel counts for a command that runs without Valgrind: `struct rusage` of the process and of the
 * children it has waited for (getrusage(2), wait4(2)). Node tells it of itself only, so another program runs
 * the command and asks. The best one that is there does:
 *
 *     time    GNU time, or busybox's: all of it
 *     perl    the system call, by its number: all of it
 *     sh      /proc/PID/stat of the shell, in which the kernel adds up children: page faults only
 */

import { fstatSync, readFileSync } from "node:fs";
import type { NativeRun } from "../../types.ts";
import { RunningCommand } from "./command.ts";
import { findProgram } from "./programs.ts";

/** A program that runs the command behind its arguments and writes what the kernel says to `file`. */
interface Meter {
  program: string;
  args(file: string, command: string): string[];
  /** Minor faults, major faults, and the maximum resident set in KiB if it is known. */
  read(text: string): (number | undefined)[];
}

const WAIT4: Partial<Record<NodeJS.Architecture, number>> = { x64: 61, arm64: 260, ppc64: 114, s390x: 114 };

/** `struct rusage` in longs: two times of two, then the maximum resident set; faults are 6th and 7th. */
const PERL = `my ($nr, $file, @command) = @ARGV;
my $pid = fork;
if ($pid == 0) { exec { $command[0] } @command; exit 127 }
my ($status, $usage) = ("\\0" x 8, "\\0" x 288);
syscall($nr, $pid, $status, 0, $usage) == $pid or exit 125;
my @usage = unpack "q*", $usage;
open my $out, ">", $file or exit 125;
print $out "@usage[8, 9, 4]\\n";
$status = unpack "i", $status;
exit($status & 127 ? 128 + ($status & 127) : $status >> 8);`;

const SH =
  'file=$1; shift; "$@"; status=$?; read -r stat </proc/$$/stat; echo "$stat" >"$file"; exit $status';

const METERS: Meter[] = [
  {
    program: "time",
    args: (file) => ["-o", file, "-f", "%R %F %M"],
    read: numbersOfLastLine,
  },
  ...(WAIT4[process.arch] === undefined
    ? []
    : [
        {
          program: "perl",
          args: (file: string) => ["-e", PERL, `${WAIT4[process.arch]}`, file],
          read: numbersOfLastLine,
        },
      ]),
  {
    program: "sh",
    args: (file, command) => ["-c", SH, "sh", file, findProgram(command) ?? command],
    read: (text) => {
      const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
      return [Number(fields[8]), Number(fields[10])];
    },
  },
];

/** What ended a native run early, or kept it from being one. */
export interface NotMeasured {
  missing: string;
}

/**
 * Why a command cannot be run a second time with the standard input that this process has, if so; before it
 * runs the first time.
 */
export function whyNotTwice(): string | undefined {
  if (process.platform !== "linux") return "it is measured on Linux only";
  try {
    const stat = fstatSync(0);
    if (stat.isFIFO() || stat.isSocket()) return "standard input is a pipe, which can be read only once";
    const position = Number(/^pos:\s*(\d+)/m.exec(readFileSync("/proc/self/fdinfo/0", "latin1"))?.[1]);
    if (stat.isFile() && position !== 0) return "standard input is a file that was read before";
  } catch {
    return "there is no standard input";
  }
  return undefined;
}

/**
 * Runs the command with `stdin` for standard input; what it writes is read and dropped, so that it does not
 * find the device that drops all, for which some programs work less. `file` may be written.
 */
export async function runNatively(
  command: readonly string[],
  options: { stdin: number; file: string; secondsMax: number; signal: AbortSignal | undefined },
): Promise<NativeRun | NotMeasured> {
  const { stdin, file, secondsMax, signal } = options;
  const meter = METERS.find(({ program }) => findProgram(program) !== undefined);
  if (meter === undefined) return { missing: "neither time nor perl nor sh is there to measure it" };
  const start = performance.now();
  const args = [...meter.args(file, command[0] ?? ""), ...command];
  const run = new RunningCommand(meter.program, args, [stdin, "pipe", "pipe"]);
  run.child.stdout?.resume();
  run.child.stderr?.resume();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    void run.stop();
  }, secondsMax * 1000);
  const stop = () => void run.stop();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const { code } = await run.ending;
    if (signal?.aborted) return { missing: "it was interrupted" };
    if (late) return { missing: "it took longer than under Valgrind, and was stopped" };
    const [minor, major, maxRssKib] = meter.read(readFileSync(file, "latin1"));
    if (!Number.isSafeInteger(minor) || !Number.isSafeInteger(major)) throw new Error("no numbers");
    return {
      minor_faults: minor as number,
      major_faults: major as number,
      max_rss_bytes: maxRssKib === undefined ? null : maxRssKib * 1024,
      exit_code: code,
      seconds: (performance.now() - start) / 1000,
      measured_by: meter.program,
    };
  } catch {
    return { missing: `${meter.program} did not tell what the kernel counted` };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/** `time` writes a line before its own when the command has failed. */
function numbersOfLastLine(text: string): number[] {
  return (text.trimEnd().split("\n").at(-1) ?? "").split(" ").map(Number);
}
