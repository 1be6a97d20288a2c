/**
 * The schedule that DynamoRIO's raw2trace writes beside a trace, `serial_schedule.bin.gz`: in the order of
 * time, entries of four little-endian u64, as schedule_entry_t of trace_entry.h has them,
 *
 *     thread | timestamp, microseconds | cpu | instructions of the thread before
 */

import { TraceError } from "../errors.ts";
import { openTrace } from "../trace/open.ts";

const ENTRY_BYTES = 32;
/** Half a gigabyte of memory; 10,000 instructions an entry are 40 billion. */
const ENTRIES_MAX = 1 << 22;
const STEP_BYTES = 1 << 16;

export interface ScheduleEntry {
  thread: bigint;
  time: bigint;
  instructions: bigint;
}

export async function readSchedule(path: string): Promise<ScheduleEntry[]> {
  const bytes = await openTrace(path);
  const entries: ScheduleEntry[] = [];
  const buffer = Buffer.alloc(STEP_BYTES);
  let length = 0;
  try {
    for (;;) {
      const count = await bytes.read(buffer.subarray(length));
      length += count;
      const whole = length - (length % ENTRY_BYTES);
      for (let at = 0; at < whole; at += ENTRY_BYTES) entries.push(entryAt(buffer, at));
      buffer.copyWithin(0, whole, length);
      length -= whole;
      if (entries.length > ENTRIES_MAX) throw new TraceError(`${path}: has more than ${ENTRIES_MAX} entries`);
      if (count === 0) break;
    }
  } finally {
    bytes.close();
  }
  if (length > 0) {
    throw new TraceError(
      `${path}: byte ${entries.length * ENTRY_BYTES}: expected an entry of ${ENTRY_BYTES} bytes, ` +
        `found ${length}: the schedule is truncated`,
    );
  }
  return entries;
}

function entryAt(buffer: Buffer, at: number): ScheduleEntry {
  return {
    thread: buffer.readBigUInt64LE(at),
    time: buffer.readBigUInt64LE(at + 8),
    instructions: buffer.readBigUInt64LE(at + 24),
  };
}
