/**
 * Pages are brought in ahead of their first touch: MAP_POPULATE, mlock, MADV_POPULATE (mm/gup.c:
 * __mm_populate).
 */

import { LOAD, STORE } from "../../core/runs";
import { waitUntil } from "../clock";
import { fileAt } from "../file/files";
import { DONE, handleFault, WAITS } from "./fault";
import { DENY_WRITE, PRESENT, readEntry } from "./page_tables";
import { Process } from "./process";
import { indexBehind, VM_ACCESS, VM_SHARED, VM_WRITE, vmaAt } from "./vma";

/** Brings in what the range's areas allow; false when it had to stop. The process waits for what is read. */
export function populate(process: Process, start: u64, end: u64): bool {
  let index = indexBehind(process, start);
  for (let vpn = start; vpn < end && index < process.vmaCount; ) {
    const vma = vmaAt(process, index);
    vpn = (vma.flags & VM_ACCESS) == 0 ? vma.end : max(vpn, vma.start);
    if (vpn >= vma.end) {
      index++;
      continue;
    }
    if (vpn >= end) break;
    // Behind the file's end a reference would be a bus error; here it is just where it stops.
    if (vma.file != 0 && vma.offset + (vpn - vma.start) >= fileAt(vma.file).pages) return false;
    // Private writable memory is broken out at once, so that a later write finds it.
    const writes = (vma.flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;
    if (!bringIn(process, vpn, writes)) return false;
    vpn++;
  }
  return true;
}

function bringIn(process: Process, vpn: u64, writes: bool): bool {
  const entry = readEntry(process, vpn);
  if (entry & PRESENT && !(writes && entry & DENY_WRITE)) return true;
  let outcome = handleFault(process, vpn, writes ? STORE : LOAD);
  while (outcome == WAITS) {
    waitUntil(process.wakeAt);
    outcome = handleFault(process, vpn, writes ? STORE : LOAD);
  }
  return outcome == DONE;
}
