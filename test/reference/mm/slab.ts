/*
 * SLUB written from mm/slub.c of Linux 6.12 with objects and arrays, one function for one of the kernel's, on
 * pages that never run out: what the engine's slabs are held against. Addresses are `slab number, index`.
 */

export interface Geometry {
  size: number;
  order: number;
  objects: number;
  minPartial: number;
  cpuPartialSlabs: number;
}

const PAGE = 4096;
const MAX_ORDER = 3;

/** get_order */
function getOrder(bytes: number): number {
  let order = 0;
  while (PAGE * 2 ** order < bytes) order++;
  return order;
}

/** fls: the number of the highest bit, from 1. */
function fls(value: number): number {
  return value.toString(2).length;
}

/** calculate_sizes, calculate_order, set_min_partial and set_cpu_partial. */
export function geometryOf(
  objectBytes: number,
  align: number,
  hwcacheAlign: boolean,
  cpus: number,
): Geometry {
  let alignment = align;
  if (hwcacheAlign) {
    let line = 64;
    while (objectBytes <= line / 2) line /= 2;
    alignment = Math.max(alignment, line);
  }
  alignment = Math.ceil(Math.max(alignment, 8) / 8) * 8;
  const words = Math.ceil(objectBytes / 8) * 8;
  const size = Math.ceil(words / alignment) * alignment;
  const order = calculateOrder(size, cpus);
  const objects = Math.floor((PAGE * 2 ** order) / size);
  const partial = size >= PAGE ? 6 : size >= 1024 ? 24 : size >= 256 ? 52 : 120;
  return {
    size,
    order,
    objects,
    minPartial: Math.max(5, Math.min(10, Math.floor((fls(size) - 1) / 2))),
    cpuPartialSlabs: Math.ceil((partial * 2) / objects),
  };
}

function calculateOrder(size: number, cpus: number): number {
  let minObjects = 4 * (fls(cpus) + 1);
  const maxObjects = Math.max(Math.floor((PAGE * 2 ** MAX_ORDER) / size), 1);
  minObjects = Math.min(minObjects, maxObjects);
  const minOrder = getOrder(minObjects * size);
  for (let fraction = 16; fraction > 1; fraction /= 2) {
    let order = minOrder;
    while (order <= MAX_ORDER) {
      const bytes = PAGE * 2 ** order;
      if (bytes % size <= Math.floor(bytes / fraction)) break;
      order++;
    }
    if (order <= MAX_ORDER) return order;
  }
  return getOrder(size);
}

export interface ModelSlab {
  number: number;
  freelist: number[];
  inuse: number;
  frozen: boolean;
  onNode: boolean;
  taken: Set<number>;
}

interface CpuSlab {
  slab: ModelSlab | undefined;
  freelist: number[];
  /** The first is the one that was put there last. */
  partial: ModelSlab[];
  /** What slab->slabs of the first says, which draining looks at. */
  counts: Map<ModelSlab, number>;
}

export interface ModelObject {
  slab: ModelSlab;
  index: number;
}

/** Free lists are arrays whose last element is the head. */
export class ReferenceCache {
  readonly geometry: Geometry;
  readonly node: ModelSlab[] = [];
  readonly cpus: CpuSlab[];
  slabs = new Set<ModelSlab>();
  #made = 0;

  constructor(geometry: Geometry, cpus: number) {
    this.geometry = geometry;
    this.cpus = Array.from({ length: cpus }, () => ({
      slab: undefined,
      freelist: [],
      partial: [],
      counts: new Map(),
    }));
  }

  alloc(cpu: number): ModelObject {
    const own = this.cpus[cpu]!;
    if (own.freelist.length === 0) this.#slowAlloc(own);
    const slab = own.slab!;
    const index = own.freelist.pop()!;
    slab.taken.add(index);
    return { slab, index };
  }

  /** slab_free and __slab_free; "double" for an object that is free. */
  free({ slab, index }: ModelObject, cpu: number): "freed" | "double" {
    if (!slab.taken.delete(index)) return "double";
    const own = this.cpus[cpu]!;
    if (own.slab === slab) {
      own.freelist.push(index);
      return "freed";
    }
    const wasFull = slab.freelist.length === 0;
    slab.freelist.push(index);
    slab.inuse--;
    if (slab.frozen) return "freed";
    if (wasFull) this.#putCpuPartial(own, slab, true);
    else if (slab.inuse === 0 && slab.onNode && this.node.length >= this.geometry.minPartial) {
      this.#removePartial(slab);
      this.slabs.delete(slab);
    }
    return "freed";
  }

  /** kmem_cache_shrink, without sorting. */
  shrink(): void {
    for (const own of this.cpus) {
      if (own.slab !== undefined) this.#deactivate(own);
      const partial = own.partial;
      own.partial = [];
      this.#putPartials(partial);
    }
    for (const slab of [...this.node]) {
      if (slab.inuse > 0) continue;
      this.#removePartial(slab);
      this.slabs.delete(slab);
    }
  }

  get active(): number {
    return [...this.slabs].reduce((sum, slab) => sum + slab.taken.size, 0);
  }

  /** What /proc/slabinfo shows as active. */
  get busy(): number {
    const free = this.node.reduce((sum, slab) => sum + this.geometry.objects - slab.inuse, 0);
    return this.slabs.size * this.geometry.objects - free;
  }

  /** ___slab_alloc */
  #slowAlloc(own: CpuSlab): void {
    const current = own.slab;
    if (current !== undefined) {
      if (current.freelist.length > 0) {
        this.#load(own, current);
        return;
      }
      current.frozen = false;
      own.slab = undefined;
    }
    const slab = own.partial.shift() ?? this.#getPartial(own) ?? this.#newSlab();
    this.#load(own, slab);
  }

  #load(own: CpuSlab, slab: ModelSlab): void {
    own.slab = slab;
    own.freelist = slab.freelist;
    slab.freelist = [];
    slab.inuse = this.geometry.objects;
    slab.frozen = true;
  }

  /** get_partial_node */
  #getPartial(own: CpuSlab): ModelSlab | undefined {
    const first = this.node[0];
    if (first === undefined) return undefined;
    this.#removePartial(first);
    let taken = 0;
    while (this.node[0] !== undefined) {
      const slab = this.node[0];
      this.#removePartial(slab);
      this.#putCpuPartial(own, slab, false);
      taken++;
      if (taken > Math.floor(this.geometry.cpuPartialSlabs / 2)) break;
    }
    return first;
  }

  #putCpuPartial(own: CpuSlab, slab: ModelSlab, drain: boolean): void {
    const old = own.partial[0];
    let slabs = 0;
    let put: ModelSlab[] = [];
    if (old !== undefined) {
      if (drain && own.counts.get(old)! >= this.geometry.cpuPartialSlabs) {
        put = own.partial;
        own.partial = [];
      } else slabs = own.counts.get(old)!;
    }
    own.counts.set(slab, slabs + 1);
    own.partial.unshift(slab);
    this.#putPartials(put);
  }

  #putPartials(slabs: ModelSlab[]): void {
    for (const slab of slabs) {
      if (slab.inuse === 0 && this.node.length >= this.geometry.minPartial) this.slabs.delete(slab);
      else this.#addPartial(slab, true);
    }
  }

  #deactivate(own: CpuSlab): void {
    const slab = own.slab!;
    const toTail = slab.freelist.length > 0;
    slab.inuse -= own.freelist.length;
    slab.freelist = [...slab.freelist, ...own.freelist];
    own.slab = undefined;
    own.freelist = [];
    slab.frozen = false;
    if (slab.inuse === 0 && this.node.length >= this.geometry.minPartial) this.slabs.delete(slab);
    else if (slab.freelist.length > 0) this.#addPartial(slab, toTail);
  }

  #addPartial(slab: ModelSlab, toTail: boolean): void {
    slab.onNode = true;
    if (toTail) this.node.push(slab);
    else this.node.unshift(slab);
  }

  #removePartial(slab: ModelSlab): void {
    slab.onNode = false;
    this.node.splice(this.node.indexOf(slab), 1);
  }

  #newSlab(): ModelSlab {
    const { objects } = this.geometry;
    const slab = {
      number: this.#made++,
      freelist: Array.from({ length: objects }, (_, index) => objects - 1 - index),
      inuse: 0,
      frozen: false,
      onNode: false,
      taken: new Set<number>(),
    };
    this.slabs.add(slab);
    return slab;
  }
}
