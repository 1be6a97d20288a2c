/** mprotect: the rights of areas change, and those of entries with them (mm/mprotect.c of Linux 6.x). */

import { flushSpace } from "../../core/mmu";
import { COST_CALL, pay } from "../clock";
import { accountPages } from "../oom/overcommit";
import { hasFlag, PG_SWAPCACHE } from "../page";
import { ANON, pageState } from "../physical/mem_map";
import { ENOMEM } from "./errno";
import { deniedBy } from "./fault";
import { isAllMapped } from "./gaps";
import { DENY_ALL, DENY_WRITE, entryOf, nextEntry, PRESENT, ptePfn } from "./page_tables";
import { Process } from "./process";
import { mapCount } from "./rmap";
import { isAccountable, isolate, mergeRange, VM_ACCESS, VM_ACCOUNT, VM_WRITE, Vma, vmaAt } from "./vma";

/** mprotect(2): gives all areas in the range the rights `access`, bits of VM_READ, VM_WRITE and VM_EXEC. */
export function mprotect(process: Process, address: f64, pages: u32, access: u32): f64 {
  pay(COST_CALL);
  const start = <u64>address;
  const end = start + pages;
  if (!isAllMapped(process, start, end)) return ENOMEM;
  let index = isolate(process, start, end);
  if (index == u32.MAX_VALUE) return ENOMEM;
  for (; index < process.vmaCount && vmaAt(process, index).start < end; index++) {
    const vma = vmaAt(process, index);
    const flags = (vma.flags & ~VM_ACCESS) | access;
    if (access & VM_WRITE && (vma.flags & (VM_ACCOUNT | VM_WRITE)) == 0 && isAccountable(flags, vma.file)) {
      if (!accountPages(process, vma.pages)) return ENOMEM;
      vma.flags = flags | VM_ACCOUNT;
    } else {
      vma.flags = flags;
    }
    changeRights(process, vma);
  }
  mergeRange(process, start, end);
  return 0;
}

/**
 * Entries lose rights at once; a right to write comes back with the first write, which may have to copy, but
 * at once for a private page that nobody else has (can_change_private_pte_writable).
 */
function changeRights(process: Process, vma: Vma): void {
  const denied = deniedBy(vma);
  for (let vpn = nextEntry(process, vma.start, vma.end); vpn < vma.end; ) {
    const at = entryOf(process, vpn);
    const entry = load<u32>(at);
    if (entry & PRESENT) {
      const kept = vma.isPrivateWritable && isOwn(ptePfn(entry)) ? 0 : entry & DENY_WRITE;
      store<u32>(at, (entry & ~DENY_ALL) | denied | kept);
    }
    vpn = nextEntry(process, vpn + 1, vma.end);
  }
  flushSpace(process.space);
}

function isOwn(pfn: u32): bool {
  return pageState(pfn) == ANON && mapCount(pfn) == 1 && !hasFlag(pfn, PG_SWAPCACHE);
}
