/*
 * What must hold in a modelled machine whenever no call is under way: every frame, page-table entry, swap
 * slot, list and TLB entry is looked at in the engine's memory, and all that the kernel counts is counted
 * again.
 */

import { zoneState } from "../../src/engine/physical.ts";
import { VM } from "../../src/engine/system.ts";
import { type Machine, STATE } from "./system.ts";

const FRAME = { free: 1, freeTail: 2, anon: 3, file: 4, table: 6 };
const PG = { swapBacked: 8, swapCache: 16, writeback: 32, mlocked: 256, lru: 512 };
const PTE = { present: 1, denyFetch: 2, denyRead: 4, denyWrite: 8 };
const ACCOUNT = 0x100000;
const NO_FRAME = 0xffffffff;
const LEVELS = 4;
const TABLE_ENTRIES = 512;
const BIAS = 2 ** 31;
const LISTS = 5;

interface Area {
  start: number;
  end: number;
  flags: number;
  file: number;
  offset: number;
}

/** What does not hold; nothing when all is well. */
export function flaws(machine: Machine, groups = 1): string[] {
  const { core, engine } = machine;
  const wrong: string[] = [];
  const same = (what: string, counted: number, found: number) => {
    if (counted !== found) wrong.push(`${what}: counted ${counted}, there are ${found}`);
  };
  const { u32, u16 } = engine.views();
  const zero = core.zeroFrame() >>> 0;
  const byPolicy = typeof engine.setup.chooser === "object";

  const mappings = new Map<number, number>();
  const slotUsers = new Map<number, number>();
  const tables = new Set<number>();
  const lockedFrames = new Set<number>();
  const areasOf = new Map<number, Area[]>();
  let committed = 0;
  const flagsAt = (core.pageFlagsAt() >>> 0) / 2;
  const stateOf = (pfn: number) => u16[flagsAt + pfn]! & 0xff;
  const firstOf = (file: number) => u32[(core.fileRecordAt(file) >>> 0) / 4]!;

  const checkEntry = (asid: number, vpn: number, entry: number, rss: Record<string, number>) => {
    const area = areasOf.get(asid)!.find(({ start, end }) => vpn >= start && vpn < end);
    const name = `process ${asid} page ${vpn.toString(16)}`;
    if (area === undefined) {
      wrong.push(`${name} has an entry but no area`);
      return;
    }
    if ((entry & PTE.present) === 0) {
      const slot = entry >>> 1;
      slotUsers.set(slot, (slotUsers.get(slot) ?? 0) + 1);
      rss.swap!++;
      if (core.slotUsers(slot) === 0) wrong.push(`${name} names the free slot ${slot}`);
      return;
    }
    const pfn = entry >>> 4;
    const writable = (entry & PTE.denyWrite) === 0;
    if (writable && (area.flags & VM.WRITE) === 0) wrong.push(`${name} can be written`);
    if ((entry & PTE.denyFetch) === 0 && (area.flags & VM.EXEC) === 0) wrong.push(`${name} can be executed`);
    if ((entry & PTE.denyRead) === 0 && (area.flags & 7) === 0) wrong.push(`${name} can be read`);
    if (pfn === zero) {
      if (writable) wrong.push(`${name} writes to the zero page`);
      return;
    }
    mappings.set(pfn, (mappings.get(pfn) ?? 0) + 1);
    if (area.flags & VM.LOCKED) lockedFrames.add(pfn);
    const state = stateOf(pfn);
    if (state === FRAME.anon) {
      rss.anon!++;
      if (writable && core.mapCount(pfn) !== 1) wrong.push(`${name} writes to a shared page`);
    } else if (state === FRAME.file) {
      rss[core.flagsOf(pfn) & PG.swapBacked ? "shared" : "file"]!++;
      const id = firstOf(area.file) + area.offset + (vpn - area.start);
      if (area.file === 0 || core.pageIn(pfn) !== id) wrong.push(`${name} maps another page of a file`);
      if (writable && (area.flags & VM.SHARED) === 0) wrong.push(`${name} writes to a page of a file`);
      if (writable && core.isDirty(pfn) === 0 && !(core.flagsOf(pfn) & PG.swapBacked))
        wrong.push(`${name} can be written unnoticed`);
    } else {
      wrong.push(`${name} maps frame ${pfn} of state ${state}`);
    }
  };
  const walk = (asid: number, node: number, depth: number, first: number, rss: Record<string, number>) => {
    const pfn = u32[node / 4 - 4]!;
    if (tables.has(pfn)) wrong.push(`frame ${pfn} is two tables`);
    if (stateOf(pfn) !== FRAME.table) wrong.push(`table ${pfn} has state ${stateOf(pfn)}`);
    tables.add(pfn);
    rss.tables!++;
    for (let index = 0; index < TABLE_ENTRIES; index++) {
      const entry = u32[node / 4 + index]!;
      if (entry === 0) continue;
      const vpn = first + index * TABLE_ENTRIES ** (LEVELS - 1 - depth);
      if (depth === LEVELS - 1) checkEntry(asid, vpn, entry, rss);
      else walk(asid, entry, depth + 1, vpn, rss);
    }
  };

  for (let asid = 0; asid < core.processesUsed() >>> 0; asid++) {
    const process = engine.factsOf(asid);
    if (process.state === STATE.unused) continue;
    const areas: Area[] = Array.from({ length: process.areas }, (_, index) => engine.area(asid, index));
    areasOf.set(asid, areas);
    let total = 0;
    let locked = 0;
    for (const [index, { start, end, flags }] of areas.entries()) {
      if (start >= end || (index > 0 && areas[index - 1]!.end > start))
        wrong.push(`areas of ${asid} overlap`);
      total += end - start;
      if (flags & VM.LOCKED) locked += end - start;
      if (flags & ACCOUNT) committed += end - start;
    }
    same(`total_vm of ${asid}`, process.virtualPages, total);
    same(`locked_vm of ${asid}`, process.lockedPages, locked);
    const rss = { anon: 0, file: 0, shared: 0, swap: 0, tables: 0 };
    const root = core.rootOf(BigInt(asid) << 52n) >>> 0;
    if (root !== 0) walk(asid, root, 0, 0, rss);
    same(`anonymous pages of ${asid}`, process.anonPages, rss.anon);
    same(`file pages of ${asid}`, process.filePages, rss.file);
    same(`shared pages of ${asid}`, process.sharedPages, rss.shared);
    same(`swapped pages of ${asid}`, process.swapPages, rss.swap);
    same(`tables of ${asid}`, process.tablePages, rss.tables);
  }
  same("Committed_AS", core.committedPages(), committed);

  const files = [...engine.files.keys()].map((index) => engine.files[index]!);
  for (const file of files) {
    if (!engine.setup.files[file - 1]?.isShared) continue;
    for (let index = 0; index < engine.setup.files[file - 1]!.pages; index++) {
      const slot = core.sharedSlot(file, index) >>> 0;
      if (slot === 0) continue;
      slotUsers.set(slot, (slotUsers.get(slot) ?? 0) + 1);
      if (core.frameEntry(firstOf(file) + index) >>> 0 >= BIAS)
        wrong.push(`file ${file} page ${index} is twice`);
    }
  }

  const count = {
    anon: 0,
    mapped: 0,
    file: 0,
    shmem: 0,
    dirty: 0,
    writeback: 0,
    mlock: 0,
    cached: 0,
    held: 0,
  };
  const charged = new Array<number>(groups).fill(0);
  const ids = new Map<number, string>();
  const own = (id: number, where: string) => {
    if (ids.has(id)) wrong.push(`page ${id} is in ${ids.get(id)} and in ${where}`);
    ids.set(id, where);
  };
  const onLists = new Map<number, string>();
  const links = (core.pageLinksAt() >>> 0) / 4;
  for (let group = 0; group < groups; group++) {
    const at = (core.groupRecordAt(group) >>> 0) / 4;
    for (let list = 0; list < LISTS; list++) {
      const sentinel = u32[at]! + list;
      let length = 0;
      for (let pfn = u32[links + 2 * sentinel]!; pfn !== sentinel; pfn = u32[links + 2 * pfn]!) {
        if (onLists.has(pfn) || length > 1e6) {
          wrong.push(`frame ${pfn} is on ${onLists.get(pfn)} and list ${group}/${list}`);
          break;
        }
        onLists.set(pfn, `list ${group}/${list}`);
        if (core.groupOf(pfn) !== group) wrong.push(`frame ${pfn} is on another group's list`);
        length++;
      }
      same(`length of list ${group}/${list}`, u32[at + 1 + list]!, length);
    }
  }
  const managed = engine.setup.physical.managed;
  const freeByZone = new Map<number, number>();
  const usedTables = new Set<number>();
  for (const { start, end } of managed) {
    for (let pfn = start; pfn < end; pfn++) {
      const state = stateOf(pfn);
      const mapped = core.mapCount(pfn) >>> 0;
      same(`mappings of frame ${pfn} (state ${state})`, mapped, mappings.get(pfn) ?? 0);
      if (state === FRAME.free || state === FRAME.freeTail) {
        const zone = engine.setup.physical.zones.find(
          (z) => pfn >= z.start && pfn < z.start + z.spanned,
        )!.index;
        freeByZone.set(zone, (freeByZone.get(zone) ?? 0) + 1);
        if (core.isHeld(pfn)) wrong.push(`free frame ${pfn} is held`);
        continue;
      }
      if (state === FRAME.table) usedTables.add(pfn);
      if (state !== FRAME.anon && state !== FRAME.file) {
        if (onLists.has(pfn)) wrong.push(`frame ${pfn} of state ${state} is on ${onLists.get(pfn)}`);
        continue;
      }
      const flags = core.flagsOf(pfn);
      const id = core.pageIn(pfn) >>> 0;
      own(id, `frame ${pfn}`);
      if (core.frameEntry(id) >>> 0 !== BIAS + pfn) wrong.push(`page ${id} in ${pfn} is not found there`);
      charged[core.groupOf(pfn)]!++;
      if (flags & PG.writeback) count.writeback++;
      if (flags & PG.mlocked) count.mlock++;
      if (flags & PG.swapCache) {
        count.cached++;
        if (core.slotFrame(core.slotOf(pfn)) >>> 0 !== pfn) wrong.push(`frame ${pfn} has another's slot`);
        if (core.slotId(core.slotOf(pfn)) >>> 0 !== id) wrong.push(`slot of ${pfn} has another page`);
      }
      if (state === FRAME.anon) {
        if (mapped > 0) count.anon++;
        else if (!(flags & PG.swapCache) || core.slotUsers(core.slotOf(pfn)) === 0)
          wrong.push(`anonymous frame ${pfn} is nobody's`);
      } else {
        count.file++;
        if (mapped > 0) count.mapped++;
        if (flags & PG.swapBacked) count.shmem++;
        else if (core.isDirty(pfn) !== 0) count.dirty++;
      }
      if (lockedFrames.has(pfn) !== ((flags & PG.mlocked) !== 0))
        wrong.push(`frame ${pfn} of a locked area is not`);
      const isManaged = byPolicy && !(flags & PG.mlocked);
      const held = core.isHeld(pfn) !== 0;
      if (held) count.held++;
      if (isManaged) {
        if (onLists.has(pfn)) wrong.push(`frame ${pfn} is on ${onLists.get(pfn)}`);
        if (held !== ((flags & PG.lru) !== 0)) wrong.push(`frame ${pfn}: held ${held}, flags ${flags}`);
        if (!held && mapped > 0) wrong.push(`frame ${pfn} is mapped, but not held`);
      } else {
        if (!(flags & PG.lru) || !onLists.has(pfn)) wrong.push(`frame ${pfn}, flags ${flags}, is on no list`);
        if (held) wrong.push(`frame ${pfn} is held`);
        onLists.delete(pfn);
      }
    }
  }
  if (byPolicy) same("held frames", core.residentPages() >>> 0, count.held);
  for (const [pfn, list] of onLists) wrong.push(`frame ${pfn} of state ${stateOf(pfn)} is on ${list}`);
  for (const pfn of usedTables) if (!tables.has(pfn)) wrong.push(`table ${pfn} is nobody's`);
  for (const { index } of engine.setup.physical.zones) {
    same(
      `free pages of zone ${index}`,
      zoneState(core, engine.views(), index).free,
      freeByZone.get(index) ?? 0,
    );
  }
  const counters = engine.counters();
  same("nr_anon_pages", counters.nr_anon_pages, count.anon);
  same("nr_mapped", counters.nr_mapped, count.mapped);
  same("nr_file_pages", counters.nr_file_pages, count.file);
  same("nr_shmem", counters.nr_shmem, count.shmem);
  same("nr_dirty", counters.nr_dirty, count.dirty);
  same("nr_writeback", counters.nr_writeback, count.writeback);
  same("nr_mlock", counters.nr_mlock, count.mlock);
  same("pages of the swap cache", core.swapCachePages() >>> 0, count.cached);

  let used = 0;
  const swapped = new Array<number>(groups).fill(0);
  for (let slot = 1; slot <= engine.setup.swapPages; slot++) {
    const users = core.slotUsers(slot) >>> 0;
    const frame = core.slotFrame(slot) >>> 0;
    same(`users of slot ${slot}`, users, slotUsers.get(slot) ?? 0);
    if (users === 0 && frame === NO_FRAME) continue;
    used++;
    swapped[core.slotGroup(slot)]!++;
    if (frame === NO_FRAME) own(core.slotId(slot) >>> 0, `slot ${slot}`);
  }
  same("used swap", core.swapUsed() >>> 0, used);
  for (let group = 0; group < groups; group++) {
    const facts = engine.group(group);
    same(`pages charged to group ${group}`, facts.charged, charged[group]!);
    same(`swap charged to group ${group}`, facts.swapped, swapped[group]!);
  }

  for (let index = 0; index < engine.setup.tlbs.length; index++) {
    const tlb = (core.tlbRecordAt(index) >>> 0) / 4;
    const entries = u32[tlb]! / 4;
    const end = entries + ((u32[tlb + 1]! + 1) * u32[tlb + 2]!) / 4;
    for (let at = entries; at < end; at += 4) {
      const high = u32[at + 1]!;
      if (high === 0xffffffff && u32[at] === 0xffffffff) continue;
      const asid = high >>> 20;
      const vpn = (high & 0xfffff) * 2 ** 32 + u32[at]!;
      const payload = u32[at + 2]!;
      const entry = areasOf.has(asid) ? core.pageEntry(asid, vpn) >>> 0 : 0;
      const where = `TLB ${index}, process ${asid}, page ${vpn.toString(16)}`;
      const pfn = payload & 0x7ffffff;
      if ((entry & PTE.present) === 0 || entry >>> 4 !== pfn)
        wrong.push(`${where}: is ${entry}, not in ${pfn}`);
      const denied = payload >>> 28;
      if (entry & PTE.denyWrite && (denied & 0b1100) !== 0b1100) wrong.push(`${where}: writable`);
      if (entry & PTE.denyRead && (denied & 0b10) === 0) wrong.push(`${where}: readable`);
      if (entry & PTE.denyFetch && (denied & 1) === 0) wrong.push(`${where}: executable`);
      if (byPolicy && ((payload >>> 27) & 1) === core.isHeld(pfn)) wrong.push(`${where}: held or not?`);
    }
  }
  return wrong.slice(0, 6);
}
