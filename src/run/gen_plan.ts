/** What `gen` was asked for, checked, and laid out in pages. */

import { type ChosenPattern, choosePattern, KIND_SHARES, listPatterns } from "../engine/patterns.ts";
import { UserError } from "../errors.ts";
import { PAGE_SHIFTS } from "../machine/paging.ts";
import { nearest } from "../nearest.ts";
import type { Progress } from "../types.ts";
import { formatCount, parseCount, parsePercentage } from "../units.ts";
import { seedOf } from "./plan.ts";
import { engineModule } from "./session.ts";
import { TEXT_FORMATS, type TextFormat, type TextOutput, textFormat } from "./text_formats.ts";
import { pageSizeOf } from "./trace_options.ts";

/** What `gen` can be asked for; the CLI's flags have the same names. */
export interface GenOptions {
  /** `NAME`, `NAME:param=value,...`, and `...@weight` for each of a mixture. */
  patterns: string | readonly string[];
  /** How many; also `100M`. Default 1,000,000. */
  references?: number | string | undefined;
  /** Shares of the kinds, `30%`, of all patterns that have none of their own; the rest are loads. */
  writes?: string | undefined;
  modifies?: string | undefined;
  fetches?: string | undefined;
  pageSize?: string | undefined;
  /** `cht`, or a text format as `unpack` has them; default `cht` for files called so, `ids` otherwise. */
  as?: string | undefined;
  /** A file, which is replaced when the new one is complete, or a stream for text. */
  output: string | TextOutput;
  seed?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  onNotice?: ((text: string) => void) | undefined;
}

export interface PlannedPattern extends ChosenPattern {
  weight: number;
  repeat: number;
  shares: { fetches: number; stores: number; modifies: number };
  /** The trace that it is to be fitted to. */
  trace: string | undefined;
}

export interface GenPlan {
  patterns: PlannedPattern[];
  references: number;
  pageShift: number;
  seed: number;
  /** Undefined for a packed trace, which is a file. */
  text: TextFormat | undefined;
}

const PATTERNS_MAX = 32;
const PACKED = "cht";
/** Pages have numbers of 32 bits. */
const PAGES_MAX = 2 ** 32;

export function planGen(options: GenOptions): GenPlan {
  const specs = typeof options.patterns === "string" ? [options.patterns] : options.patterns;
  if (specs.length === 0) throw new UserError('no pattern given; "clockhand list patterns" shows all');
  if (specs.length > PATTERNS_MAX) {
    throw new UserError(`${specs.length} patterns are too many; a mixture has ${PATTERNS_MAX} at most`);
  }
  const known = listPatterns(engineModule());
  const allShares = new Map<string, string>();
  for (const name of KIND_SHARES) {
    const share = options[name];
    if (share === undefined) continue;
    shareOf(share, `--${name}`);
    allShares.set(name, share);
  }
  const patterns = specs.map((text) => {
    const { spec, weight } = splitWeight(text);
    const pattern = choosePattern(spec, known, allShares);
    const { params, name } = pattern;
    if (params.trace === "") throw new UserError(`pattern ${name}: needs a trace; write ${name}:trace=FILE`);
    const [stores = 0, modifies = 0, fetches = 0] = KIND_SHARES.map((kind) =>
      shareOf(String(params[kind]), `pattern ${name}: ${kind}`),
    );
    if (stores + modifies + fetches > 1 + 1e-9) {
      throw new UserError(`pattern ${name}: writes, modifies and fetches are more than 100% together`);
    }
    return {
      ...pattern,
      weight,
      repeat: Number(params.repeat),
      shares: { fetches, stores, modifies },
      trace: params.trace as string | undefined,
    };
  });
  if (!patterns.some(({ weight }) => weight > 0)) throw new UserError("one weight at least must be above 0");
  const text = formatOf(options);
  if (text?.hasKinds === false) checkNoKinds(patterns, text.name);
  return {
    patterns,
    references: referencesOf(options.references ?? 1_000_000),
    pageShift: PAGE_SHIFTS[pageSizeOf(options.pageSize ?? "4KiB")],
    seed: seedOf(options.seed ?? 1),
    text,
  };
}

/** Where the pages of each pattern begin, from how many each has, and the end of all. */
export function layOut(patterns: readonly PlannedPattern[], pages: readonly number[]) {
  let end = 0;
  const firsts = patterns.map(({ name, params }, index) => {
    const count = pages[index] ?? 0;
    const first = params.first === "next" ? end : Number(params.first);
    if (first + count > PAGES_MAX) {
      throw new UserError(
        `pattern ${name}: its ${formatCount(count)} pages from ${formatCount(first)} on go beyond ` +
          `page ${formatCount(PAGES_MAX - 1)}, the last that there can be`,
      );
    }
    end = Math.max(end, first + count);
    return first;
  });
  return { firsts, end };
}

/**
 * For each pattern, the share of choices that are of it or of one before it. Weights are by references, and
 * a choice of a pattern is as many as its pages are repeated.
 */
export function choicesBelow(patterns: readonly PlannedPattern[]): number[] {
  const choices = patterns.map(({ weight, repeat }) => weight / repeat);
  const all = choices.reduce((sum, share) => sum + share, 0);
  const last = choices.findLastIndex((share) => share > 0);
  let below = 0;
  return choices.map((share, index) => {
    below += share;
    return index >= last ? 1 : below / all;
  });
}

// --- internal ---

function splitWeight(text: string): { spec: string; weight: number } {
  const match = /^(.*)@([^@/\\]*)$/.exec(text);
  if (match === null) return { spec: text, weight: 1 };
  const [, spec = "", given = ""] = match;
  const weight = /^\d+(\.\d+)?$/.test(given) ? Number(given) : parsePercentage(given);
  if (weight !== undefined && weight <= 1e9) return { spec, weight };
  throw new UserError(`pattern "${text}": "${given}" is no weight; write it like @3, @0.5 or @20%`);
}

function shareOf(text: string, what: string): number {
  const share = parsePercentage(text);
  if (share !== undefined && share <= 1) return share;
  throw new UserError(`${what}: "${text}" is not a percentage from 0% to 100%`);
}

function referencesOf(wanted: number | string): number {
  const count = parseCount(String(wanted));
  if (count !== undefined) return count;
  throw new UserError(`--references: "${wanted}" is not a number of references; write it like 1000000 or 1M`);
}

/** The text format, or nothing for a packed trace. */
function formatOf({ as, output }: GenOptions): TextFormat | undefined {
  const isFile = typeof output === "string";
  const format = as ?? (isFile && output.endsWith(`.${PACKED}`) ? PACKED : "ids");
  if (format === PACKED) {
    if (isFile) return undefined;
    throw new UserError("a packed trace is written to a file; name one with --output FILE.cht");
  }
  const names = [PACKED, ...TEXT_FORMATS.map(({ name }) => name)];
  if (names.includes(format)) return textFormat(format);
  throw new UserError(
    `--as: unknown format "${format}"${nearest(format, names)}; it is one of ${names.join(", ")}`,
  );
}

function checkNoKinds(patterns: readonly PlannedPattern[], format: string): void {
  const different = patterns.find(({ shares }) => shares.stores + shares.modifies + shares.fetches > 0);
  if (different === undefined) return;
  const others = TEXT_FORMATS.filter(({ hasKinds }) => hasKinds).map(({ name }) => name);
  throw new UserError(
    `--as ${format}: has no kinds of references, and writes, modifies or fetches were asked for; ` +
      `choose ${others.join(", ")} or a .cht file`,
  );
}
