/* Machines with the kernel's allocators, for tests. */

import { bootKernelMemory, type KernelMemory } from "../../src/engine/kernel_memory.ts";
import { physicalMemory } from "../../src/machine/physical.ts";

const MEBIBYTE = 2 ** 20;

export interface SmallMachine {
  mebibytes?: number;
  cpus?: number;
  vmallocPages?: number;
}

/** An x86-64 machine of 256 MiB and two processors, if not told otherwise. */
export function kernelMemory(
  module: WebAssembly.Module,
  { mebibytes = 256, cpus = 2, vmallocPages }: SmallMachine = {},
): KernelMemory {
  return bootKernelMemory(module, physicalMemory({ bytes: mebibytes * MEBIBYTE }), { cpus, vmallocPages });
}
