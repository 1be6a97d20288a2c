/**
 * The calls that a process of a scenario makes, one after the other: system calls by their names, the
 * kernel's allocators, a user's malloc, and `touch`, which references the pages of an area.
 *
 *     - mmap: { size: 100MiB, as: buffer }
 *     - touch: { area: buffer, write: true }
 *     - mmap: { size: 1TiB }
 *       expect: ENOMEM
 *
 * Sizes are in bytes and times in nanoseconds when they have been read; what was left out has its default.
 */

import * as v from "valibot";
import {
  Address,
  Duration,
  keyed,
  listOf,
  Name,
  oneOf,
  orShort,
  Pages,
  Size,
  SomeSize,
  type Value,
  whole,
  written,
  Yes,
} from "./values.ts";

/** What a call may be expected to end with. */
export const EXPECTATIONS = [
  ...(["ENOMEM", "EINVAL", "EAGAIN", "EPERM", "EACCES", "EFAULT", "EEXIST", "ENOSPC", "EBADF"] as const),
  ...(["SIGSEGV", "SIGBUS", "SIGKILL"] as const),
] as const;
export type Expectation = (typeof EXPECTATIONS)[number];

export const ADVICE = [
  ...(["normal", "random", "sequential", "willneed", "dontneed", "free", "cold", "pageout"] as const),
  ...(["hugepage", "nohugepage", "collapse", "dontfork", "dofork"] as const),
] as const;

/** Areas that every process has without mapping them. */
export const OWN_AREAS: readonly string[] = ["heap", "stack"];

/** `rw`, `r`, `rx`, `rwx`, or `none`. */
const Protection = written("protection such as r, rw, rx, rwx or none", (text) =>
  text === "none" ? "" : /^(?!$)r?w?x?$/.test(text) ? text : undefined,
);

const optionally = {
  no: () => v.optional(Yes, false),
  yes: () => v.optional(Yes, true),
  /** From the beginning. */
  offset: () => v.optional(Size, 0),
  times: () => v.optional(whole(1), 1),
};

/** An area, or a part of it: all from `offset` on where no size is given. */
const RANGE = { area: Name, offset: optionally.offset(), size: v.optional(SomeSize) };

const NOTHING = v.pipe(
  v.unknown(),
  v.transform((value) => (value === null || value === true ? {} : value)),
  keyed({}),
);

const SIMPLE_CALLS = {
  // Of the address space.
  mmap: keyed({
    size: SomeSize,
    as: v.optional(Name),
    file: v.optional(Name),
    offset: optionally.offset(),
    shared: optionally.no(),
    fixed: v.optional(Address),
    populate: optionally.no(),
    hugetlb: optionally.no(),
    noreserve: optionally.no(),
    protection: v.optional(Protection, "rw"),
  }),
  munmap: orShort("area", RANGE),
  mprotect: keyed({ ...RANGE, protection: Protection }),
  madvise: keyed({ ...RANGE, advice: oneOf(ADVICE) }),
  mlock: orShort("area", RANGE),
  munlock: orShort("area", RANGE),
  mlockall: orShort("which", { which: listOf(oneOf(["current", "future"])) }),
  munlockall: NOTHING,
  mremap: keyed({ area: Name, size: SomeSize, may_move: optionally.yes() }),
  /** How large the heap is to be. */
  brk: orShort("size", { size: Size }),
  /** References pages of an area: every `stride`th from its beginning, or any. */
  touch: orShort("area", {
    ...RANGE,
    pages: v.optional(Pages, "100%"),
    write: optionally.no(),
    stride: v.optional(whole(1), 1),
    times: optionally.times(),
    random: optionally.no(),
  }),
  // Of files.
  read: orShort("file", { file: Name, offset: optionally.offset(), size: v.optional(SomeSize) }),
  write: orShort("file", { file: Name, offset: optionally.offset(), size: v.optional(SomeSize) }),
  fsync: orShort("file", { file: Name }),
  // Of processes.
  exec: orShort("name", {
    name: Name,
    text: v.optional(Size, "1MiB"),
    data: v.optional(Size, "256KiB"),
    bss: v.optional(Size, 0),
  }),
  wait: orShort("name", { name: Name }),
  sleep: orShort("duration", { duration: Duration }),
  exit: orShort("status", { status: whole(0, 255) }),
  // Of the user's heap.
  malloc: keyed({ size: SomeSize, count: optionally.times(), as: v.optional(Name) }),
  free: orShort("what", { what: Name }),
  // Of the kernel's allocators.
  kmalloc: keyed({ size: SomeSize, count: optionally.times(), as: v.optional(Name) }),
  kfree: orShort("what", { what: Name }),
  vmalloc: keyed({ size: SomeSize, count: optionally.times(), as: v.optional(Name) }),
  vfree: orShort("what", { what: Name }),
  alloc_pages: keyed({
    order: whole(0, 10),
    count: optionally.times(),
    movable: optionally.no(),
    as: v.optional(Name),
  }),
  free_pages: orShort("what", { what: Name }),
  kmem_cache_create: keyed({ name: Name, size: SomeSize, align: v.optional(whole(1, 4096), 8) }),
  kmem_cache_alloc: orShort("cache", { cache: Name, count: optionally.times() }),
  kmem_cache_free: orShort("cache", { cache: Name, count: optionally.times() }),
  kmem_cache_destroy: orShort("cache", { cache: Name }),
};

/** What every call has besides its arguments. */
interface Common {
  /** `FILE:LINE:COLUMN`. */
  at: string;
  /** How it must end; undefined: well. */
  expect?: Expectation | undefined;
}

type SimpleCalls = typeof SIMPLE_CALLS;

type SimpleCall = {
  [Name in keyof SimpleCalls]: { call: Name } & Common & v.InferOutput<SimpleCalls[Name]>;
}[keyof SimpleCalls];

/** A child, which makes calls of its own and then exits. */
export interface ForkCall extends Common {
  call: "fork";
  name: string;
  calls: Call[];
}

export interface RepeatCall extends Common {
  call: "repeat";
  times: number;
  calls: Call[];
}

export type Call = SimpleCall | ForkCall | RepeatCall;

/** The arguments of one call, `CallOf<"mmap">`. */
export type CallOf<Name extends Call["call"]> = Extract<Call, { call: Name }>;

export const Calls: Value<Call[]> = v.lazy(() => v.array(OneCall));

const ALL_CALLS: Record<string, AnyObjectSchema> = {
  ...SIMPLE_CALLS,
  fork: keyed({ name: Name, calls: Calls }),
  repeat: keyed({ times: whole(1), calls: Calls }),
};

type AnyObjectSchema = v.GenericSchema<unknown, object>;

export const CALL_NAMES = Object.keys(ALL_CALLS);

const OneCall: Value<Call> = v.pipe(
  keyed({
    ...Object.fromEntries(Object.entries(ALL_CALLS).map(([name, schema]) => [name, v.optional(schema)])),
    expect: v.optional(oneOf(EXPECTATIONS)),
  }),
  v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
    const { expect, ...calls } = value as { expect?: Expectation } & Record<string, object>;
    const [name, ...others] = Object.keys(calls);
    if (name !== undefined && others.length === 0) {
      return { call: name, at: "", expect, ...calls[name] } as unknown as Call;
    }
    addIssue({
      message:
        name === undefined
          ? `no call is named; calls are ${CALL_NAMES.join(", ")}`
          : `${[name, ...others].join(" and ")} are several calls; each is an entry of its own`,
    });
    return NEVER;
  }),
);
