export const VM_AREA_STRUCT: u32 = 0;
export const RADIX_TREE_NODE: u32 = 1;
export const TASK_STRUCT: u32 = 2;
export const MM_STRUCT: u32 = 3;
export function takeObject(cache: u32): u64 { return 1; }
export function giveObject(cache: u32, object: u64): void {}
