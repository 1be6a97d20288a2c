/** A trace that is a folder: which of its files belong to it, and how many bytes they have. */

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../errors.ts";
import type { TraceFormat } from "./format.ts";
import { chooseFormat, FORMATS } from "./formats/index.ts";

/** Where DynamoRIO keeps the files of a trace, and those that are none yet. */
const TRACE_FOLDER = "trace";
const RAW_FOLDER = "raw";
/** One stream of an engine each. */
const FILES_MAX = 4096;

export interface TraceFolder {
  /** Paths of the threads' files, in order of their names. */
  files: string[];
  /** Path of the recorded schedule. */
  schedule: string | undefined;
  /** Bytes of the threads' files. */
  sizeBytes: number;
}

/** The files of a folder that are a trace of a format that has folders. */
export function readFolder(path: string, spec: string | undefined): TraceFolder {
  const formats = spec === undefined ? FORMATS : [chooseFormat(spec).format];
  for (const folder of [join(path, TRACE_FOLDER), path]) {
    const names = filesOf(folder);
    for (const format of formats) {
      const found = filesFor(format, folder, names);
      if (found !== undefined) return found;
    }
  }
  if (isFolder(join(path, RAW_FOLDER))) {
    throw new UserError(
      `${path}: is a folder with a raw trace; convert it with DynamoRIO's drraw2trace first`,
    );
  }
  const which = spec === undefined ? "a trace" : `a ${chooseFormat(spec).format.name} trace`;
  throw new UserError(`${path}: is a folder without files of ${which}; name a trace file`);
}

/** The files that a trace consists of, whether it is one or a folder; the schedule comes last. */
export function filesOfTrace(path: string): string[] {
  if (!isFolder(path)) return [path];
  const { files, schedule } = readFolder(path, undefined);
  return schedule === undefined ? files : [...files, schedule];
}

function filesFor(format: TraceFormat, folder: string, names: string[]): TraceFolder | undefined {
  const found = format.folder?.(names);
  if (found === undefined || found.files.length === 0) return undefined;
  if (found.files.length > FILES_MAX) {
    throw new UserError(
      `${folder}: holds ${found.files.length} threads' files; at most ${FILES_MAX} can be read`,
    );
  }
  const files = found.files.map((name) => join(folder, name));
  return {
    files,
    schedule: found.schedule === undefined ? undefined : join(folder, found.schedule),
    sizeBytes: files.reduce((sum, file) => sum + statSync(file).size, 0),
  };
}

function filesOf(folder: string): string[] {
  if (!isFolder(folder)) return [];
  return readdirSync(folder).filter((name) => statSync(join(folder, name), QUIET)?.isFile());
}

const QUIET = { throwIfNoEntry: false } as const;

function isFolder(path: string): boolean {
  return statSync(path, QUIET)?.isDirectory() ?? false;
}
