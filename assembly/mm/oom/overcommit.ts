/**
 * Overcommit: which promises of memory are made (mm/util.c of Linux 6.x: __vm_enough_memory, vm_commit_limit;
 * Documentation/mm/overcommit-accounting.rst). Counted are private writable and shared anonymous pages.
 *
 *     0   refuses what all of memory and swap could not hold, each request for itself
 *     1   refuses nothing
 *     2   refuses what would exceed the commit limit, less what is kept for the administrator and the process
 */

import { swapPages } from "../reclaim/swap";
import { Process } from "../virtual/process";

const GUESS: u32 = 0;
const ALWAYS: u32 = 1;

let mode: u32 = GUESS;
let ratio: u32 = 50;
let limitPages: u32 = 0;
let adminReserve: u32 = 2048;
let userReserve: u32 = 32768;
let ramPages: u32 = 0;
let hugetlbPages: u32 = 0;

/** Pages promised so far (vm_committed_as). */
let committed: i64 = 0;

/** The pages of all zones (totalram_pages). */
export function setTotalRam(pages: u32): void {
  ramPages = pages;
}

/** Pages that hugetlbfs pools hold. */
export function setHugetlbPages(pages: u32): void {
  hugetlbPages = pages;
}

/**
 * vm.overcommit_memory, _ratio and, in pages, 0 for the ratio, _kbytes; vm.admin_ and user_reserve_kbytes in
 * pages.
 */
export function setOvercommit(memory: u32, percent: u32, pages: u32, admin: u32, user: u32): void {
  mode = memory;
  ratio = percent;
  limitPages = pages;
  adminReserve = admin;
  userReserve = user;
}

/** CommitLimit, in pages. */
export function commitLimit(): u32 {
  const allowed = limitPages != 0 ? limitPages : <u32>((<u64>(ramPages - hugetlbPages) * ratio) / 100);
  return allowed + swapPages();
}

/** Committed_AS, in pages. */
export function committedPages(): f64 {
  return <f64>committed;
}

/** Promises pages to a process, unless they are refused. */
export function accountPages(process: Process, pages: u32): bool {
  committed += pages;
  if (mode == ALWAYS) return true;
  if (mode == GUESS) {
    if (pages <= ramPages + swapPages()) return true;
  } else {
    let allowed = <i64>commitLimit();
    if (!process.privileged) allowed -= adminReserve;
    allowed -= min<i64>(process.totalVm / 32, userReserve);
    if (committed < allowed) return true;
  }
  committed -= pages;
  return false;
}

export function unaccountPages(pages: u32): void {
  committed -= pages;
}
