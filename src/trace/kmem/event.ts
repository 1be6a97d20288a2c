/**
 * A line of kmem tracepoints as `perf script`, ftrace and trace-cmd print them, Linux 2.6.31 to 6.18
 * (include/trace/events/kmem.h):
 *
 *     ls 4650 [001] 47408.839: kmem:kmalloc: call_site=f+0x3/0x9 ptr=0xffff.. bytes_req=56 ...
 *     ls-4627 [001] ..... 47410.286105: kmem_cache_free: call_site=f+0x3/0x9 ptr=00000000b41a3687 ...
 *     ls-4627 [001] 47410.286105: mm_page_alloc: page=0x1ffc pfn=0x1ffc order=0 migratetype=1 gfp_flags=..
 *
 * Fields are found by their keys: their order and number differ between versions.
 */

/** What is said of an allocation; `name` is a cache's. */
export interface ObjectAlloc {
  kind: "alloc";
  cpu: number;
  callSite: string;
  /** 0: it failed. */
  ptr: number;
  requested: number;
  given: number;
  gfp: string;
  /** Undefined for kmalloc; empty where the kernel does not say (before 6.1). */
  name: string | undefined;
}

export interface ObjectFree {
  kind: "free";
  cpu: number;
  ptr: number;
}

export interface PagesAlloc {
  kind: "page_alloc";
  /** Undefined: it failed. */
  pfn: number | undefined;
  order: number;
  migratetype: number;
}

export interface PagesFree {
  kind: "page_free";
  pfn: number;
  order: number;
  /** Told once more of a page, for a list of them. */
  batched: boolean;
}

/** A block that was taken from pages of another migrate type. */
export interface PagesFallback {
  kind: "fallback";
  order: number;
  from: number;
  to: number;
  fragmenting: boolean;
}

export interface OtherLine {
  /** An event that is not of allocation; a line that is no event: a header, a stack, a blank. */
  kind: "other_event" | "nothing";
}

/** Events that the tracer could not keep. */
export interface LostEvents {
  kind: "lost";
  events: number;
}

export type KmemEvent =
  | ObjectAlloc
  | ObjectFree
  | PagesAlloc
  | PagesFree
  | PagesFallback
  | OtherLine
  | LostEvents;

const EVENT = /(?:^|\s)\d+(?:\.\d+)?:\s+(?:[\w.-]+:)?(\w+):\s+(.*)$/;
const CPU = /\[(\d{1,6})\]/;
const FIELD = /(\w+)=(\S*)/g;
const LOST = /\[LOST (\d{1,15}) EVENTS\]|\[(\d{1,15}) EVENTS DROPPED\]|^LOST (\d{1,15}) /;
/** Headers, blanks, and lines of a call stack. */
const NOTHING =
  /^\s*(#.*|=> .*|<stack trace>|cpus=\d+|version = \d+|CPU \d+ is empty|[0-9a-f]{4,16} .*|)\s*$/;

const OTHER: KmemEvent = { kind: "other_event" };
const NONE: KmemEvent = { kind: "nothing" };
const ORDER_MAX = 20;
const OBJECT_BYTES_MAX = 2 ** 22;

/** What a line says; undefined when it cannot be read. */
export function parseKmemLine(line: string): KmemEvent | undefined {
  const match = EVENT.exec(line);
  if (match === null) return parsePlain(line);
  const [, event = "", text = ""] = match;
  const read = READERS[event];
  if (read === undefined) return OTHER;
  return read(fieldsOf(text), Number(CPU.exec(line.slice(0, match.index + 1))?.[1] ?? 0));
}

// --- internal ---

type Fields = Record<string, string>;
type Reader = (fields: Fields, cpu: number) => KmemEvent | undefined;

const READERS: Record<string, Reader | undefined> = Object.assign(Object.create(null), {
  kmalloc: (fields: Fields, cpu: number) => alloc(fields, cpu, undefined),
  kmalloc_node: (fields: Fields, cpu: number) => alloc(fields, cpu, undefined),
  kmem_cache_alloc: (fields: Fields, cpu: number) => alloc(fields, cpu, fields.name ?? ""),
  kmem_cache_alloc_node: (fields: Fields, cpu: number) => alloc(fields, cpu, fields.name ?? ""),
  kfree: free,
  kmem_cache_free: free,
  mm_page_alloc: pageAlloc,
  mm_page_free: (fields: Fields) => pageFree(fields, false),
  mm_page_free_direct: (fields: Fields) => pageFree(fields, false),
  mm_page_free_batched: (fields: Fields) => pageFree(fields, true),
  mm_pagevec_free: (fields: Fields) => pageFree(fields, true),
  mm_page_alloc_extfrag: fallback,
});

function parsePlain(line: string): KmemEvent | undefined {
  const lost = LOST.exec(line);
  if (lost !== null) return { kind: "lost", events: Number(lost[1] ?? lost[2] ?? lost[3]) };
  return NOTHING.test(line) ? NONE : undefined;
}

function fieldsOf(text: string): Fields {
  const fields: Fields = Object.create(null);
  for (const [, key, value] of text.matchAll(FIELD)) fields[key as string] ??= value as string;
  return fields;
}

function alloc(fields: Fields, cpu: number, name: string | undefined): KmemEvent | undefined {
  const ptr = pointerOf(fields.ptr);
  const requested = countOf(fields.bytes_req, OBJECT_BYTES_MAX);
  const given = countOf(fields.bytes_alloc, OBJECT_BYTES_MAX);
  if (ptr === undefined || requested === undefined || given === undefined) return undefined;
  if (given < requested && ptr !== 0) return undefined;
  const { call_site: callSite = "", gfp_flags: gfp = "" } = fields;
  return { kind: "alloc", cpu, callSite, ptr, requested, given, gfp, name };
}

function free(fields: Fields, cpu: number): KmemEvent | undefined {
  const ptr = pointerOf(fields.ptr);
  return ptr === undefined ? undefined : { kind: "free", cpu, ptr };
}

function pageAlloc(fields: Fields): KmemEvent | undefined {
  const pfn = frameOf(fields.pfn);
  const order = countOf(fields.order, ORDER_MAX);
  const migratetype = countOf(fields.migratetype ?? "0", 255);
  if (pfn === undefined || order === undefined || migratetype === undefined) return undefined;
  const failed = pfn === 0 && isNull(fields.page);
  return { kind: "page_alloc", pfn: failed ? undefined : pfn, order, migratetype };
}

function pageFree(fields: Fields, batched: boolean): KmemEvent | undefined {
  const pfn = frameOf(fields.pfn);
  const order = countOf(fields.order ?? "0", ORDER_MAX);
  return pfn === undefined || order === undefined ? undefined : { kind: "page_free", pfn, order, batched };
}

function fallback(fields: Fields): KmemEvent | undefined {
  const order = countOf(fields.alloc_order, ORDER_MAX);
  const from = countOf(fields.fallback_migratetype, 255);
  const to = countOf(fields.alloc_migratetype, 255);
  if (order === undefined || from === undefined || to === undefined) return undefined;
  return { kind: "fallback", order, from, to, fragmenting: fields.fragmenting === "1" };
}

function countOf(text: string | undefined, max: number): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const count = Number(text);
  return count <= max ? count : undefined;
}

/** A frame number is written in decimal by kernels before 5.16. */
function frameOf(text: string | undefined): number | undefined {
  return text !== undefined && /^(0x[0-9a-f]{1,13}|\d{1,15})$/.test(text) ? Number(text) : undefined;
}

function isNull(text: string | undefined): boolean {
  return text === undefined || /^(\(nil\)|\(null\)|\(____ptrval____\)|(0x)?0+)$/.test(text);
}

/** A pointer, or its hash, without the upper bits that all kernel addresses share; 0 for NULL. */
function pointerOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\((nil|null)\)$/.test(text)) return 0;
  const digits = /^(?:0x)?([0-9a-f]{1,16})$/.exec(text)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits.slice(-13), 16);
}
