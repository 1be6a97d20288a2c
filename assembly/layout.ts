/**
 * The memory map of one engine instance.
 *
 *      0 ┌──────────────────────────────┐
 *        │ static data: strings, counters, TLB descriptors, policy state (`memory.data`)
 *        ├──────────────────────────────┤ __heap_base
 *        │ arrays, in the order in which their owners reserve them:
 *        │ run buffer, text buffer, frame table, page map, policy arrays, TLB entries
 *        ├──────────────────────────────┤ reservedBytes()
 *        │ page-table nodes, one by one as pages are touched (`extend`)
 *        └──────────────────────────────┘ memory.size(), at most 4 GiB
 *
 * A run's life: every owner *reserves* (which only moves a mark, so that a need beyond 4 GiB is known
 * before anything is allocated), `commit` grows the memory once, and from then on only page-table nodes
 * are added. Memory is zero when committed, and no array is ever freed: the instance is.
 * Pages that are reserved but never touched cost no physical memory on any system that we know.
 */

const ALIGNMENT: u64 = 64;
const WASM_PAGE_BYTES: u64 = 65536;
const MEMORY_BYTES_MAX: u64 = 1 << 32;

let mark: u64 = (<u64>__heap_base + ALIGNMENT - 1) & ~(ALIGNMENT - 1);

/** Sets `bytes` aside and returns their address, valid once `commit` has succeeded. */
export function reserve(bytes: u64): usize {
  const at = mark;
  mark = (mark + bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
  return <usize>at;
}

/** An array with one element of `T` a frame or page, zero at the start. */
export function reserveArray<T>(length: u32): usize {
  return reserve(<u64>length * sizeof<T>());
}

/** Everything reserved so far, in bytes; may exceed what one memory can hold. */
export function reservedBytes(): f64 {
  return <f64>mark;
}

/** Makes the reserved memory real. False when it does not fit in 4 GiB or the system refuses. */
export function commit(): bool {
  if (mark > MEMORY_BYTES_MAX) return false;
  const needed = <i32>((mark + WASM_PAGE_BYTES - 1) / WASM_PAGE_BYTES);
  const missing = needed - memory.size();
  return missing <= 0 || memory.grow(missing) >= 0;
}

/** `bytes` more of zeroed memory after `commit`; 0 when there is none left. Grows by an eighth at least. */
export function extend(bytes: u32): usize {
  const at = mark;
  const end = mark + bytes;
  if (end > MEMORY_BYTES_MAX) return 0;
  if (end > <u64>memory.size() * WASM_PAGE_BYTES) {
    const missing = <i32>((end + WASM_PAGE_BYTES - 1) / WASM_PAGE_BYTES) - memory.size();
    const wanted = min<i32>(65536 - memory.size(), max<i32>(missing, max<i32>(16, memory.size() >> 3)));
    if (memory.grow(wanted) < 0 && memory.grow(missing) < 0) return 0;
  }
  mark = end;
  return <usize>at;
}
