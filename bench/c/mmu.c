/*
 * The MMU's loop, assembly/core/replay.ts `replayMachine`, in C: L1I, L1D and a unified L2 in recency order,
 * paging-structure caches, a radix walk of four levels, frame table and policy. For machine x86-64 without its
 * generality: one address space, LRU sets, accessed bits set by every reference.
 *     mmu tags.u64 attrs.u16 frames policy repetitions
 */

#include "bench.h"
#include "frames.h"

#define NO_TAG UINT64_MAX
#define MISS UINT32_MAX
#define FAULTED (1u << 31)
#define LEVELS 4
#define LEAF (LEVELS - 1)
#define PAGES_MAX (1u << 26)

struct entry {
  uint64_t tag;
  uint32_t payload, meta;
};

struct tlb {
  struct entry *entries;
  uint32_t sets, ways;
  uint64_t misses, invalidated;
};

/* A node of the page table: the index of the next node, or in a leaf the page's id + 1; 0 is "not present". */
typedef uint32_t node[512];

static struct tlb l1i, l1d, l2, walk_caches[LEAF];
static node *nodes;
static uint32_t node_count, node_capacity, path[LEVELS], page_count;
static uint64_t walks, walk_references;

static void init_tlb(struct tlb *tlb, uint32_t entries, uint32_t ways) {
  *tlb = (struct tlb){ zeroed(entries * sizeof(struct entry)), entries / ways, ways, 0, 0 };
  for (uint32_t i = 0; i < entries; i++) tlb->entries[i].tag = NO_TAG;
}

INLINE struct entry *set_of(const struct tlb *tlb, uint64_t tag) {
  return tlb->entries + (size_t)((uint32_t)tag & (tlb->sets - 1)) * tlb->ways;
}

INLINE void shift_down(struct entry *set, struct entry *at) {
  for (; at > set; at--) *at = at[-1];
}

INLINE uint32_t lookup(struct tlb *tlb, uint64_t tag) {
  struct entry *set = set_of(tlb, tag), *end = set + tlb->ways;
  for (struct entry *at = set; at < end; at++) {
    if (at->tag == tag) {
      struct entry found = *at;
      shift_down(set, at);
      *set = found;
      return found.payload;
    }
  }
  tlb->misses++;
  return MISS;
}

INLINE void fill(struct tlb *tlb, uint64_t tag, uint32_t payload) {
  struct entry *set = set_of(tlb, tag), *last = set + tlb->ways - 1, *at = set;
  while (at < last && at->tag != NO_TAG) at++;
  shift_down(set, at);
  set->tag = tag;
  set->payload = payload;
}

static void invalidate(struct tlb *tlb, uint64_t tag) {
  struct entry *set = set_of(tlb, tag), *last = set + tlb->ways - 1;
  for (struct entry *at = set; at <= last; at++) {
    if (at->tag == tag) {
      tlb->invalidated++;
      for (; at < last; at++) *at = at[1];
      last->tag = NO_TAG;
      return;
    }
  }
}

NOINLINE void shoot_down(uint64_t tag) {
  invalidate(&l1i, tag);
  invalidate(&l1d, tag);
  invalidate(&l2, tag);
  for (int depth = 0; depth < LEAF; depth++)
    for (uint32_t way = 0; way < walk_caches[depth].ways; way++) walk_caches[depth].entries[way].tag = NO_TAG;
}

INLINE uint32_t shift_at(uint32_t depth) { return 9 * (LEAF - depth); }
INLINE uint32_t *slot(uint32_t at, uint64_t tag, uint32_t depth) { return &nodes[at][tag >> shift_at(depth) & 511]; }

NOINLINE uint32_t find_start(uint64_t tag) {
  for (uint32_t depth = LEAF; depth > 0; depth--) {
    uint32_t at = lookup(&walk_caches[depth - 1], tag >> shift_at(depth - 1));
    if (at != MISS) {
      path[depth] = at;
      return depth;
    }
  }
  return 0;
}

static void fill_walk_caches(uint64_t tag, uint32_t start) {
  for (uint32_t depth = start; depth < LEAF; depth++)
    fill(&walk_caches[depth], tag >> shift_at(depth), path[depth + 1]);
}

/* Page id + 1, or 0. Node 1 is the root, made with the first page. */
INLINE uint32_t walk(uint64_t tag, uint32_t start) {
  walks++;
  uint32_t at = start == 0 ? node_count > 1 : path[start];
  for (uint32_t depth = start;; depth++) {
    walk_references++;
    if (at == 0) return 0;
    path[depth] = at;
    at = *slot(at, tag, depth);
    if (depth == LEAF || at == 0) return at;
  }
}

NOINLINE void map(uint64_t tag, uint32_t page) {
  uint32_t parent = 0;
  for (uint32_t depth = 0; depth < LEVELS; depth++) {
    uint32_t at = depth == 0 ? node_count > 1 : *slot(parent, tag, depth - 1);
    if (at == 0) {
      if (node_count == node_capacity) {
        uint32_t before = node_capacity;
        node_capacity *= 2;
        nodes = realloc(nodes, node_capacity * sizeof(node));
        if (!nodes) fail("realloc");
        memset(nodes + before, 0, (node_capacity - before) * sizeof(node));
      }
      at = node_count++;
      if (depth > 0) *slot(parent, tag, depth - 1) = at;
    }
    parent = at;
  }
  *slot(parent, tag, LEAF) = page + 1;
}

INLINE void find_path(uint64_t tag) {
  uint32_t at = 1;
  for (uint32_t depth = 0; depth < LEVELS; depth++) {
    path[depth] = at;
    at = *slot(at, tag, depth);
  }
}

INLINE uint32_t translate(enum policy policy, struct tlb *l1, uint64_t tag, uint64_t position) {
  uint32_t pfn = lookup(l1, tag), faulted = 0;
  if (pfn != MISS) return pfn;
  pfn = lookup(&l2, tag);
  if (pfn != MISS) {
    fill(l1, tag, pfn);
    return pfn;
  }
  uint32_t start = find_start(tag), page = walk(tag, start);
  uint32_t entry = page == 0 ? 0 : frame_of[page - 1];
  if (entry >= FRAME_BIAS) {
    pfn = entry - FRAME_BIAS;
    fill_walk_caches(tag, start);
  } else {
    if (page == 0) {
      if (page_count == PAGES_MAX) exit(3);
      map(tag, page_count);
      page = ++page_count;
    }
    int full = frames_used == frames;
    pfn = fault(policy, page - 1, position);
    if (full) shoot_down(tag_of[pfn]);
    tag_of[pfn] = tag;
    faulted = FAULTED;
    find_path(tag);
    fill_walk_caches(tag, find_start(tag));
  }
  fill(&l2, tag, pfn);
  fill(l1, tag, pfn);
  return pfn | faulted;
}

NOINLINE uint32_t translate_lru(struct tlb *l1, uint64_t tag, uint64_t position) { return translate(LRU, l1, tag, position); }
NOINLINE uint32_t translate_clock(struct tlb *l1, uint64_t tag, uint64_t position) { return translate(CLOCK, l1, tag, position); }

INLINE uint64_t replay(enum policy policy, const uint64_t *tags, const uint16_t *attrs, size_t count) {
  struct tlb *ports[4] = { &l1i, &l1d, &l1d, &l1d };
  uint64_t position = 0;
  for (size_t run = 0; run < count; run++) {
    uint64_t tag = tags[run];
    uint32_t attr = attrs[run], references = (attr >> 2) + 1, kind = attr & 3, hits = references, pfn;
    struct tlb *l1 = ports[kind];
    struct entry *first = set_of(l1, tag);
    if (first->tag == tag) {
      pfn = first->payload;
    } else {
      pfn = policy == LRU ? translate_lru(l1, tag, position) : translate_clock(l1, tag, position);
      if (pfn & FAULTED) {
        pfn ^= FAULTED;
        hits--;
      }
    }
    dirty[pfn] |= (uint8_t)(kind >> 1);
    if (hits != 0) on_hit(policy, pfn);
    position += references;
  }
  return position;
}

NOINLINE uint64_t replay_lru(const uint64_t *tags, const uint16_t *attrs, size_t count) { return replay(LRU, tags, attrs, count); }
NOINLINE uint64_t replay_clock(const uint64_t *tags, const uint16_t *attrs, size_t count) { return replay(CLOCK, tags, attrs, count); }

static void init_mmu(void) {
  static const uint32_t walk_cache_entries[LEAF] = { 2, 4, 32 };
  init_tlb(&l1i, 64, 8);
  init_tlb(&l1d, 64, 4);
  init_tlb(&l2, 1536, 12);
  for (int depth = 0; depth < LEAF; depth++)
    init_tlb(&walk_caches[depth], walk_cache_entries[depth], walk_cache_entries[depth]);
  node_capacity = 64;
  nodes = zeroed(node_capacity * sizeof(node));
  node_count = 1;
  page_count = 0;
  walks = walk_references = 0;
}

static void free_mmu(void) {
  free(l1i.entries), free(l1d.entries), free(l2.entries), free(nodes);
  for (int depth = 0; depth < LEAF; depth++) free(walk_caches[depth].entries);
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  size_t count, attr_count;
  uint64_t *tags = read_column(argv[1], 8, &count);
  uint16_t *attrs = read_column(argv[2], 2, &attr_count);
  if (attr_count != count) return 2;
  uint32_t frame_count = (uint32_t)atoi(argv[3]);
  int lru = argv[4][0] == 'l', repetitions = atoi(argv[5]);
  double *seconds = zeroed((size_t)repetitions * sizeof *seconds);
  uint64_t references = 0;
  for (int i = -1; i < repetitions; i++) { /* the first warms up */
    if (i >= 0) free_frames(), free_mmu();
    init_frames(frame_count, PAGES_MAX);
    init_mmu();
    double start = now();
    references = lru ? replay_lru(tags, attrs, count) : replay_clock(tags, attrs, count);
    if (i >= 0) seconds[i] = now() - start;
  }
  printf("{\"references\":%" PRIu64 ",\"tlbMisses\":[%" PRIu64 ",%" PRIu64 ",%" PRIu64 "],", references, l1i.misses,
         l1d.misses, l2.misses);
  printf("\"walks\":%" PRIu64 ",\"walkReferences\":%" PRIu64 ",\"minorFaults\":%" PRIu64 ",\"majorFaults\":%" PRIu64
         ",\"writebacks\":%" PRIu64 ",", walks, walk_references, minor_faults(), major_faults(), writebacks);
  print_timing(seconds, repetitions);
  printf("}\n");
  return 0;
}
