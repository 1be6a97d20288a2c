/* Lines of kmem events: as kernels of many versions and three programs print them. */

import { describe, expect, it } from "vitest";
import { parseKmemLine } from "../../src/trace/kmem/event.ts";

const PERF = "              sh  4650 [001] 47408.839777:      kmem:";
const FTRACE = "            bash-4627    [001] ..... 47410.286105: ";
const TRACE_CMD = "           <...>-4627  [003] 47410.286105123: ";
const OLD_FTRACE = "            bash-4627  [002]  1234.567890: ";

describe("lines of kmem events", () => {
  it.each([
    [
      `${PERF}kmem_cache_alloc: call_site=mas_preallocate+0x3ef ptr=0xffff8881012a7300 name=maple_node bytes_req=250 bytes_alloc=256 gfp_flags=GFP_KERNEL node=-1 accounted=false`,
      {
        kind: "alloc",
        cpu: 1,
        callSite: "mas_preallocate+0x3ef",
        ptr: 0xf8881012a7300,
        requested: 250,
        given: 256,
        gfp: "GFP_KERNEL",
        name: "maple_node",
      },
    ],
    [
      `${FTRACE}kmalloc: call_site=alloc_fdtable+0x55/0x140 ptr=000000003e27814e bytes_req=56 bytes_alloc=64 gfp_flags=GFP_KERNEL_ACCOUNT node=-1 accounted=true`,
      {
        kind: "alloc",
        cpu: 1,
        callSite: "alloc_fdtable+0x55/0x140",
        ptr: 0x3e27814e,
        requested: 56,
        given: 64,
        gfp: "GFP_KERNEL_ACCOUNT",
        name: undefined,
      },
    ],
    [
      `${OLD_FTRACE}kmalloc_node: call_site=ffffffff81152f2a ptr=ffff88003d1b4c00 bytes_req=448 bytes_alloc=512 gfp_flags=GFP_KERNEL|GFP_ZERO node=0`,
      {
        kind: "alloc",
        cpu: 2,
        callSite: "ffffffff81152f2a",
        ptr: 0xf88003d1b4c00,
        requested: 448,
        given: 512,
        gfp: "GFP_KERNEL|GFP_ZERO",
        name: undefined,
      },
    ],
    [
      `${OLD_FTRACE}kmem_cache_alloc: call_site=ffffffff81152f2a ptr=ffff88003d1b4c00 bytes_req=192 bytes_alloc=192 gfp_flags=0xcc0`,
      {
        kind: "alloc",
        cpu: 2,
        callSite: "ffffffff81152f2a",
        ptr: 0xf88003d1b4c00,
        requested: 192,
        given: 192,
        gfp: "0xcc0",
        name: "",
      },
    ],
    [
      `${TRACE_CMD}kmem_cache_free:      (putname+0x50) call_site=putname+0x50/0x60 ptr=0xffff888100abcdef name=names_cache`,
      { kind: "free", cpu: 3, ptr: 0xf888100abcdef },
    ],
    [`${FTRACE}kfree: call_site=x+0x1/0x2 ptr=(nil)`, { kind: "free", cpu: 1, ptr: 0 }],
    [`${FTRACE}kfree: ptr=(null) call_site=x+0x1/0x2 [nf_tables]`, { kind: "free", cpu: 1, ptr: 0 }],
    [
      `${PERF}mm_page_alloc: page=0x201ffc pfn=0x201ffc order=2 migratetype=1 gfp_flags=GFP_KERNEL|__GFP_COMP`,
      { kind: "page_alloc", pfn: 0x201ffc, order: 2, migratetype: 1 },
    ],
    [
      `${OLD_FTRACE}mm_page_alloc: page=ffffea0000f4 pfn=2621 order=0 migratetype=2 gfp_flags=GFP_USER`,
      { kind: "page_alloc", pfn: 2621, order: 0, migratetype: 2 },
    ],
    [
      `${OLD_FTRACE}mm_page_alloc: page=(nil) pfn=0 order=4 migratetype=0 gfp_flags=GFP_ATOMIC`,
      { kind: "page_alloc", pfn: undefined, order: 4, migratetype: 0 },
    ],
    [
      `${FTRACE}mm_page_free: page=00 pfn=0x12 order=3`,
      { kind: "page_free", pfn: 18, order: 3, batched: false },
    ],
    [
      `${FTRACE}mm_page_free_batched: page=0f pfn=0x12 order=0`,
      { kind: "page_free", pfn: 18, order: 0, batched: true },
    ],
    [
      `${FTRACE}mm_page_alloc_extfrag: page=0f pfn=0x12 alloc_order=0 fallback_order=9 pageblock_order=9 alloc_migratetype=0 fallback_migratetype=1 fragmenting=1 change_ownership=0`,
      { kind: "fallback", order: 0, from: 1, to: 0, fragmenting: true },
    ],
    [`${FTRACE}rss_stat: mm_id=2979463656 curr=1 type=MM_FILEPAGES size=4096B`, { kind: "other_event" }],
    [`${FTRACE}constructor: ptr=0x1`, { kind: "other_event" }],
    ["CPU:1 [LOST 4034 EVENTS]", { kind: "lost", events: 4034 }],
    ["CPU:0 [17 EVENTS DROPPED]", { kind: "lost", events: 17 }],
    ["# tracer: nop", { kind: "nothing" }],
    ["", { kind: "nothing" }],
    ["cpus=2", { kind: "nothing" }],
    ["\tffffffff8125d1a3 kmem_cache_alloc+0x1b3 ([kernel.kallsyms])", { kind: "nothing" }],
    [" => kmem_cache_alloc", { kind: "nothing" }],
  ])("%s", (line, event) => {
    expect(parseKmemLine(line)).toEqual(event);
  });

  it.each([
    "nonsense",
    ` L 1ffeffe7e,8`,
    `${FTRACE}kmalloc: call_site=x ptr=zzz bytes_req=1 bytes_alloc=8 gfp_flags=0`,
    `${FTRACE}kmalloc: call_site=x ptr=0x10 bytes_req=1 gfp_flags=0`,
    `${FTRACE}kmalloc: call_site=x ptr=0x10 bytes_req=9 bytes_alloc=8 gfp_flags=0`,
    `${FTRACE}kmalloc: call_site=x ptr=0x10 bytes_req=-1 bytes_alloc=8 gfp_flags=0`,
    `${FTRACE}kmalloc: call_site=x ptr=0x10 bytes_req=1 bytes_alloc=99999999999 gfp_flags=0`,
    `${FTRACE}kfree: call_site=x`,
    `${FTRACE}mm_page_alloc: page=0x1 pfn=0x1 order=99 migratetype=0`,
    `${FTRACE}mm_page_free: page=0x1 pfn=- order=0`,
    `${FTRACE}kmem_cache_fre`,
  ])("refuses %s", (line) => {
    expect(parseKmemLine(line)).toBeUndefined();
  });
});
