/*
 * The policy lab's loop, assembly/core/replay.ts `replayIds`, in C, but for its looking ahead, which gains
 * nothing here (NOTES.md).
 *     policies ids.u32 attrs.u16 pages frames policy repetitions
 */

#include "bench.h"
#include "frames.h"

INLINE void replay(enum policy policy, const uint32_t *ids, const uint16_t *attrs, size_t count) {
  uint64_t position = 0;
  for (size_t run = 0; run < count; run++) {
    uint32_t page = ids[run], attr = attrs[run];
    uint32_t references = (attr >> 2) + 1, kind = attr & 3;
    uint32_t entry = frame_of[page], pfn = entry - FRAME_BIAS;
    if (entry >= FRAME_BIAS) {
      on_hit(policy, pfn);
    } else {
      pfn = fault(policy, page, position);
      if (references > 1) on_hit(policy, pfn);
    }
    if (kind >= 2) dirty[pfn] = 1;
    position += references;
  }
}

NOINLINE void replay_fifo(const uint32_t *ids, const uint16_t *attrs, size_t count) { replay(FIFO, ids, attrs, count); }
NOINLINE void replay_lru(const uint32_t *ids, const uint16_t *attrs, size_t count) { replay(LRU, ids, attrs, count); }
NOINLINE void replay_clock(const uint32_t *ids, const uint16_t *attrs, size_t count) { replay(CLOCK, ids, attrs, count); }

int main(int argc, char **argv) {
  if (argc != 7) return 2;
  size_t count, attr_count;
  uint32_t *ids = read_column(argv[1], 4, &count);
  uint16_t *attrs = read_column(argv[2], 2, &attr_count);
  if (attr_count < count) return 2;
  uint32_t pages = (uint32_t)atoi(argv[3]), frame_count = (uint32_t)atoi(argv[4]);
  char policy = argv[5][0];
  int repetitions = atoi(argv[6]);
  double *seconds = zeroed((size_t)repetitions * sizeof *seconds);
  for (int i = -1; i < repetitions; i++) { /* the first warms up */
    if (i >= 0) free_frames();
    init_frames(frame_count, pages);
    double start = now();
    if (policy == 'f') replay_fifo(ids, attrs, count);
    else if (policy == 'l') replay_lru(ids, attrs, count);
    else replay_clock(ids, attrs, count);
    if (i >= 0) seconds[i] = now() - start;
  }
  printf("{\"faults\":%" PRIu64 ",", minor_faults() + major_faults());
  print_timing(seconds, repetitions);
  printf("}\n");
  return 0;
}
