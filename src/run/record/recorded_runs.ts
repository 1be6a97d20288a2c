/** The runs of programs that run under Valgrind just now, each process an address space of its own. */

import type { Engine } from "../../engine/engine.ts";
import { readingOf } from "../../trace/formats/index.ts";
import { MAPPING_CLASSES, type MappingClass, type RecordedMapping } from "../../types.ts";
import type { RunSource } from "../run_source.ts";
import type { DecodeResult, RecordedFrom, RecordedResult } from "../tasks.ts";
import { decodeResult, TextRuns } from "../text_runs.ts";
import { Control, streamPath } from "./control.ts";
import { LogStream } from "./log_stream.ts";
import { type Range, UNIT_SHIFT } from "./mappings.ts";

/** assembly/core/runs.ts: the last address space is never given. */
const ASIDS = 4095;
const STORE = 2;
const TAG_BYTES = 8;
const VPN_HIGH_MASK = (1 << 20) - 1;
const ASID_BITS_LOW = 20;
const LINE_BYTES_MIN = 7;
const NEWLINE = 0x0a;
const POLL_MS = 1;
/** From when the last process was seen to end until no other can be expected. */
const GRACE_MS = 500;
/** The mappings with most pages are kept. */
const MAPPINGS_MAX = 4096;

export class RecordedRuns implements RunSource {
  readonly thread = 0;
  readonly #from: RecordedFrom;
  readonly #engine: Engine;
  readonly #control: Control;
  readonly #reading = readingOf("lackey", new Uint8Array(0), "");
  /** All that have written anything, by address space, and those that may still write. */
  readonly #streams: LogStream[] = [];
  #open: LogStream[] = [];
  #leftOut = 0;
  /** Whose text is being decoded, the part that is, and the rest that is not yet. */
  #current: LogStream | undefined;
  #text: TextRuns | undefined;
  #rest: Buffer = Buffer.alloc(0);
  #turn = 0;
  #activeMs = performance.now();
  #bytes = 0;
  #full = false;
  /** Where the first process stores first: on its stack. Valgrind puts all stacks of a machine there. */
  #stackAt: number | undefined;
  readonly #mixed = new Map<LogStream, Set<number>>();

  constructor(from: RecordedFrom, engine: Engine) {
    this.#from = from;
    this.#engine = engine;
    this.#control = new Control(from.control);
  }

  async next(): Promise<number | undefined> {
    const { core } = this.#engine;
    for (;;) {
      if (this.#text !== undefined && this.#current !== undefined) {
        const before = core.decodedTotal();
        const runs = await this.#text.next();
        if (runs !== undefined) {
          this.#current.references += core.decodedTotal() - before;
          if (this.#stackAt === undefined) this.#stackAt = this.#firstStore(runs);
          return runs;
        }
        this.#current.lines = this.#text.lines;
        this.#text = undefined;
      }
      if (this.#full || !(await this.#takeText())) return undefined;
    }
  }

  position(): { taken: number; total: number } {
    return { taken: this.#bytes, total: 0 };
  }

  decode(): DecodeResult {
    const result = decodeResult(this.#reading, this.#engine);
    const longLines = this.#streams.reduce((sum, stream) => sum + stream.longLines, 0);
    return { ...result, skipped: result.skipped + longLines };
  }

  close(): void {
    for (const stream of this.#open) stream.close();
  }

  /** What is known of the processes; `tags` are those of all pages. */
  recorded(tags: Uint8Array): RecordedResult {
    const pages = Object.fromEntries(MAPPING_CLASSES.map((name) => [name, 0])) as Record<
      MappingClass,
      number
    >;
    const counts = new Map<Range, RecordedMapping>();
    const words = new Uint32Array(tags.slice().buffer);
    const unitsPerPage = 2 ** (this.#from.trace.pageShift - UNIT_SHIFT);
    for (let at = 0; at < words.length; at += 2) {
      const [low = 0, high = 0] = [words[at], words[at + 1]];
      const asid = high >>> ASID_BITS_LOW;
      const start = ((high & VPN_HIGH_MASK) * 2 ** 32 + low) * unitsPerPage;
      const mappings = this.#streams[asid]?.mappings;
      const range = mappings?.find(start, start + unitsPerPage);
      if (mappings === undefined || range === undefined) {
        pages.unknown++;
        continue;
      }
      const mapping = counts.get(range) ?? {
        asid,
        start: addressOf(range.start),
        end: addressOf(range.end),
        class: mappings.classOf(range, this.#stackAt),
        permissions: range.permissions,
        ...(range.path === "" ? {} : { path: range.path, offset: addressOf(range.offset) }),
        pages: 0,
      };
      mapping.pages++;
      pages[mapping.class]++;
      counts.set(range, mapping);
    }
    return {
      processes: this.#streams.map((stream, asid) => ({
        asid,
        pid: stream.pid ?? null,
        command: stream.command ?? null,
        references: stream.references,
        mixed_with: [...(this.#mixed.get(stream) ?? [])],
      })),
      processesLeftOut: this.#leftOut,
      full: this.#full,
      pages,
      mappings: mostUsed([...counts.values()]),
    };
  }

  /** Sets out to decode what comes next; false when nothing will. */
  async #takeText(): Promise<boolean> {
    if (this.#rest.length === 0 && !(await this.#await())) return false;
    const stream = this.#current as LogStream;
    const text = this.#withinLimit(this.#rest);
    this.#rest = this.#rest.subarray(text.length);
    if (this.#full) return false;
    let at = 0;
    const source = {
      label: `the log of process ${stream.pid ?? "?"}`,
      read(into: Uint8Array): number {
        const part = text.subarray(at, at + into.length);
        into.set(part);
        at += part.length;
        return part.length;
      },
    };
    const start = { offset: stream.bytes, lines: stream.lines };
    this.#text = new TextRuns(source, this.#reading, this.#from.trace, this.#engine, start);
    this.#engine.core.setAddressSpace(stream.asid as number);
    stream.bytes += text.length;
    this.#bytes += text.length;
    return true;
  }

  /**
   * As many lines as there may still be: half of what is left at a time, because a line that spans pages has
   * several references, and nobody knows before.
   */
  #withinLimit(text: Buffer): Buffer {
    const { referencesMax } = this.#from;
    if (referencesMax === undefined) return text;
    const left = referencesMax - this.#engine.core.decodedTotal();
    if (left <= 0) {
      this.#full = true;
      return text.subarray(0, 0);
    }
    if (text.length / LINE_BYTES_MIN <= left) return text;
    let end = 0;
    for (let lines = Math.ceil(left / 2); lines > 0; lines--) {
      const next = text.indexOf(NEWLINE, end);
      if (next < 0) return text;
      end = next + 1;
    }
    return text.subarray(0, end);
  }

  /** Waits for lines of any process, each in its turn; false when there will be none. */
  async #await(): Promise<boolean> {
    while (!this.#control.stopped) {
      const ended = this.#control.ended;
      this.#adopt();
      const now = performance.now();
      for (const _ of this.#open) {
        this.#turn = (this.#turn + 1) % this.#open.length;
        const stream = this.#open[this.#turn] as LogStream;
        const text = stream.read(now, ended);
        if (text === undefined) continue;
        this.#activeMs = now;
        if (!this.#hasPlace(stream)) continue;
        if (this.#from.children) this.#noteOthers(stream, text);
        this.#current = stream;
        this.#rest = text;
        return true;
      }
      this.#open = this.#open.filter((stream) => !stream.hasEnded);
      if (ended && this.#isOver(now)) return false;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return false;
  }

  /** Once the command has ended: without its children, when nothing is left in its pipe. */
  #isOver(now: number): boolean {
    if (this.#control.turn > this.#control.adopted) return false;
    if (!this.#from.children) return this.#open.every((stream) => stream.isEmpty);
    return this.#open.length === 0 && now - this.#activeMs > GRACE_MS;
  }

  #adopt(): void {
    const { folder } = this.#from;
    while (this.#control.adopted < this.#control.turn) {
      this.#open.push(new LogStream(streamPath(folder, this.#control.adopted)));
      this.#control.adopt();
      this.#activeMs = performance.now();
    }
  }

  /** Gives a stream that has begun an address space, if there is one left. */
  #hasPlace(stream: LogStream): boolean {
    if (stream.asid !== undefined) return stream.asid < ASIDS;
    stream.asid = this.#streams.length;
    if (stream.asid === ASIDS) {
      this.#leftOut++;
      return false;
    }
    this.#streams.push(stream);
    return true;
  }

  /** Looks for messages of another process in a stream: then their references are mixed too. */
  #noteOthers(stream: LogStream, text: Buffer): void {
    for (let at = text.indexOf("=="); at >= 0; at = text.indexOf("\n==", at + 1)) {
      const match = /^\n?==(\d+)==/.exec(text.toString("latin1", at, at + 24));
      const pid = match === null ? stream.pid : Number(match[1]);
      if (pid === undefined || pid === stream.pid) continue;
      const others = this.#mixed.get(stream) ?? new Set();
      this.#mixed.set(stream, others.add(pid));
    }
  }

  #firstStore(runs: number): number | undefined {
    const attrs = this.#engine.column("attrs", runs);
    const tags = this.#engine.column("tags", runs);
    for (let run = 0; run < runs; run++) {
      if (((attrs[run * 2] as number) & 3) < STORE) continue;
      const view = new DataView(tags.buffer, tags.byteOffset + run * TAG_BYTES, TAG_BYTES);
      const vpn = (view.getUint32(4, true) & VPN_HIGH_MASK) * 2 ** 32 + view.getUint32(0, true);
      return vpn * 2 ** (this.#from.trace.pageShift - UNIT_SHIFT);
    }
    return undefined;
  }
}

function addressOf(units: number): string {
  return (BigInt(units) << BigInt(UNIT_SHIFT)).toString(16);
}

/** In order of address space and address. */
function mostUsed(mappings: RecordedMapping[]): RecordedMapping[] {
  const most = mappings.sort((a, b) => b.pages - a.pages).slice(0, MAPPINGS_MAX);
  const place = ({ asid, start }: RecordedMapping) => `${asid}`.padStart(4, "0") + start.padStart(16, "0");
  return most.sort((a, b) => (place(a) < place(b) ? -1 : 1));
}
