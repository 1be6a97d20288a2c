/**
 * Devices that pages are read from and written to: swap and the disk of files. Requests are served in the
 * order in which they come; a device is occupied for a time by each request and by each of its pages, and an
 * answer takes a latency more, in which it can serve others. So a disk has its seek in the occupation, and
 * flash memory, which serves many requests at a time, its read time in the latency.
 *
 * What is read and written is counted as requests are made (block/blk-core.c, submit_bio), and what is read
 * on the account of who asks (include/linux/task_io_accounting_ops.h); writing is on that of who made pages
 * dirty.
 */

import { clockNow, work } from "./clock";
import { count, PGPGIN, PGPGOUT } from "./counters";
import { currentProcess } from "./virtual/current";

/** pgpgin and pgpgout are in KiB; ru_inblock and ru_oublock in blocks of 512 bytes. */
const KIB_PER_PAGE_SHIFT: u32 = 2;
export const BLOCKS_PER_PAGE_SHIFT: u32 = 3;

@unmanaged
@final
export class Device {
  /** Nanoseconds: of an answer, a request, a page. */
  readLatency: f64;
  writeLatency: f64;
  request: f64;
  page: f64;
  /** It is memory (zram): the processor does the work, and there is nothing to wait for. */
  isMemory: bool;
  busyUntil: f64;
  pagesRead: f64;
  pagesWritten: f64;
  reads: f64;
  writes: f64;

  /** When pages that are asked for now will be there. */
  read(pages: u32): f64 {
    this.reads += 1;
    this.pagesRead += pages;
    count(PGPGIN, pages << KIB_PER_PAGE_SHIFT);
    const process = currentProcess();
    if (process != null) process.blocksIn += pages << BLOCKS_PER_PAGE_SHIFT;
    return this.serve(pages) + this.readLatency;
  }

  /** When pages that are given now will be written. */
  write(pages: u32): f64 {
    this.writes += 1;
    this.pagesWritten += pages;
    count(PGPGOUT, pages << KIB_PER_PAGE_SHIFT);
    return this.serve(pages) + this.writeLatency;
  }

  private serve(pages: u32): f64 {
    if (this.isMemory) {
      work(this.page * <f64>pages);
      return clockNow();
    }
    this.busyUntil = max(this.busyUntil, clockNow()) + this.request + this.page * <f64>pages;
    return this.busyUntil;
  }
}

export const SWAP_DEVICE: u32 = 0;
export const DISK: u32 = 1;
const DEVICES: usize = memory.data(256, 16);

export function device(index: u32): Device {
  return changetype<Device>(DEVICES + index * offsetof<Device>());
}

/** Requests that devices have been given. */
export function deviceRequests(): f64 {
  let requests: f64 = 0;
  for (let index = SWAP_DEVICE; index <= DISK; index++)
    requests += device(index).reads + device(index).writes;
  return requests;
}

/** Sets a device's times, in nanoseconds. */
export function setDevice(
  index: u32,
  isMemory: bool,
  readLatency: f64,
  writeLatency: f64,
  request: f64,
  page: f64,
): void {
  const target = device(index);
  target.isMemory = isMemory;
  target.readLatency = readLatency;
  target.writeLatency = writeLatency;
  target.request = request;
  target.page = page;
}
