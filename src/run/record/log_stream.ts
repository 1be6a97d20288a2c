/**
 * What one process under Valgrind writes, read from a named pipe without waiting, whole lines at a time. At
 * the same times the process's mappings are looked at.
 */

import { closeSync, constants, openSync, readSync } from "node:fs";
import { Mappings, mapsOf } from "./mappings.ts";

/** What a pipe holds. */
const READ_BYTES = 64 * 1024;
const NEWLINE = 0x0a;
/** Valgrind's first lines say whose log it is. */
const HEAD_BYTES = 4096;
/** Valgrind writes every line by itself, so a reader that comes back at once finds a few lines. */
const REST_MS = 2;
/** Between two looks at the mappings; longer where a look takes long, so that looking takes a twentieth. */
const LOOK_MS = 10;
const LOOK_SHARE = 20;

export class LogStream {
  readonly mappings = new Mappings();
  /** Lines, or what was in the place of some, that were too long to be references. */
  longLines = 0;
  /** Given when the first text comes. */
  asid: number | undefined;
  references = 0;
  /** Of the text that has been handed out, for messages. */
  lines = 0;
  bytes = 0;
  readonly #fd: number;
  #buffer = Buffer.alloc(READ_BYTES);
  #from = 0;
  #to = 0;
  #head = "";
  #inLongLine = false;
  #dueMs = 0;
  #lookMs = 0;
  #state: "open" | "empty" | "ended" = "open";

  /** There must be somebody who writes, or has written. */
  constructor(path: string) {
    this.#fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  }

  /** Whether there was nothing to read just now though the process may go on. */
  get isEmpty(): boolean {
    return this.#state === "empty";
  }
  get hasEnded(): boolean {
    return this.#state === "ended";
  }

  get pid(): number | undefined {
    const match = /^==(\d+)==/m.exec(this.#head);
    return match === null ? undefined : Number(match[1]);
  }
  get command(): string | undefined {
    return /^==\d+== Command: (.*)$/m.exec(this.#head)?.[1];
  }

  /**
   * Lines that have come, valid until the next call; undefined when there are none yet, or no more. Unless it
   * is `urgent`, a pipe that was nearly empty is left to fill for a moment.
   */
  read(nowMs: number, urgent: boolean): Buffer | undefined {
    if (this.hasEnded || (nowMs < this.#dueMs && !urgent)) return undefined;
    this.#buffer.copyWithin(0, this.#from, this.#to);
    this.#to -= this.#from;
    this.#from = 0;
    const maps = this.#look(nowMs);
    const count = this.#readMore();
    if (count === 0) return this.#end();
    // It still had its log open: it had not executed another program when its mappings were looked at.
    if (maps !== undefined) this.mappings.add(maps);
    if (count === undefined) {
      this.#state = "empty";
      this.#dueMs = nowMs + REST_MS;
      return undefined;
    }
    this.#state = "open";
    if (count < READ_BYTES / 2) this.#dueMs = nowMs + REST_MS;
    if (this.#head.length < HEAD_BYTES) {
      this.#head += this.#buffer.toString("latin1", this.#to, this.#to + Math.min(count, HEAD_BYTES));
    }
    this.#to += count;
    return this.#takeLines();
  }

  close(): void {
    if (!this.hasEnded) this.#end();
  }

  #end(): undefined {
    this.#state = "ended";
    this.#buffer = Buffer.alloc(0);
    closeSync(this.#fd);
  }

  /** How many bytes came; 0 at the end, undefined when there are none now. */
  #readMore(): number | undefined {
    try {
      return readSync(this.#fd, this.#buffer, this.#to, READ_BYTES - this.#to, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return undefined;
      throw error;
    }
  }

  #takeLines(): Buffer | undefined {
    if (this.#inLongLine) {
      const end = this.#buffer.subarray(0, this.#to).indexOf(NEWLINE);
      this.#inLongLine = end < 0;
      this.#from = end < 0 ? this.#to : end + 1;
      if (end < 0) return undefined;
    }
    const text = this.#buffer.subarray(this.#from, this.#to);
    const end = text.lastIndexOf(NEWLINE) + 1;
    if (end === 0) {
      if (text.length < READ_BYTES) return undefined;
      this.#inLongLine = true;
      this.longLines++;
      this.#from = this.#to;
      return undefined;
    }
    this.#from += end;
    return text.subarray(0, end);
  }

  #look(nowMs: number): string | undefined {
    const { pid } = this;
    if (pid === undefined || nowMs < this.#lookMs) return undefined;
    const maps = mapsOf(pid);
    const tookMs = performance.now() - nowMs;
    this.#lookMs = nowMs + Math.max(LOOK_MS, tookMs * LOOK_SHARE);
    return maps;
  }
}
