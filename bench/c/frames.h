/*
 * Frame table, fault path, history of faults and the policies FIFO, LRU and Clock, as assembly/core and
 * assembly/policies have them: a page map of u32 with a bias, a list of links with a sentinel, a hand over bytes.
 * The policy is a constant wherever these are called, so the compiler makes a loop for each, as asc does.
 */

enum policy { FIFO, LRU, CLOCK };

#define EVICTED 1u
#define FRAME_BIAS 2u
#define WINDOWS 128u

static uint32_t frames, frames_used, hand;
static uint32_t *frame_of, *page_of;
static uint8_t *accessed, *dirty;
static uint64_t *tag_of;
static struct { uint32_t next, previous; } *links;

static uint64_t window_references, window_end, writebacks;
static uint32_t window;
static struct { uint32_t minor, major; } history[WINDOWS];

static void init_frames(uint32_t frame_count, uint32_t pages) {
  frames = frame_count;
  frames_used = hand = 0;
  frame_of = zeroed((size_t)pages * 4);
  page_of = zeroed((size_t)frames * 4);
  tag_of = zeroed((size_t)frames * 8);
  accessed = zeroed(frames);
  dirty = zeroed(frames);
  links = zeroed(((size_t)frames + 1) * sizeof *links);
  window_references = window_end = 1 << 10;
  writebacks = window = 0;
  memset(history, 0, sizeof history);
}

static void free_frames(void) {
  free(frame_of), free(page_of), free(tag_of), free(accessed), free(dirty), free(links);
}

static uint64_t minor_faults(void) {
  uint64_t faults = 0;
  for (uint32_t i = 0; i < WINDOWS; i++) faults += history[i].minor;
  return faults;
}

static uint64_t major_faults(void) {
  uint64_t faults = 0;
  for (uint32_t i = 0; i < WINDOWS; i++) faults += history[i].major;
  return faults;
}

NOINLINE void move_window(uint64_t position) {
  while (position >= window_references * WINDOWS) {
    for (uint32_t i = 0; i < WINDOWS; i++) {
      int filled = i < WINDOWS / 2;
      history[i].minor = filled ? history[2 * i].minor + history[2 * i + 1].minor : 0;
      history[i].major = filled ? history[2 * i].major + history[2 * i + 1].major : 0;
    }
    window_references <<= 1;
  }
  window = (uint32_t)(position / window_references);
  window_end = ((uint64_t)window + 1) * window_references;
}

INLINE void join(uint32_t before, uint32_t after) {
  links[before].next = after;
  links[after].previous = before;
}

INLINE void insert_newest(uint32_t node) {
  uint32_t next = links[0].next;
  join(0, node);
  join(node, next);
}

INLINE void on_hit(enum policy policy, uint32_t pfn) {
  if (policy == CLOCK) accessed[pfn] = 1;
  if (policy == LRU) {
    uint32_t node = pfn + 1;
    if (links[0].next == node) return;
    join(links[node].previous, links[node].next);
    insert_newest(node);
  }
}

INLINE uint32_t victim(enum policy policy) {
  if (policy == LRU) {
    uint32_t node = links[0].previous;
    join(links[node].previous, links[node].next);
    return node - 1;
  }
  uint32_t pfn = hand;
  if (policy == CLOCK) {
    while (accessed[pfn]) {
      accessed[pfn] = 0;
      pfn = pfn + 1 == frames ? 0 : pfn + 1;
    }
  }
  hand = pfn + 1 == frames ? 0 : pfn + 1;
  return pfn;
}

INLINE uint32_t fault(enum policy policy, uint32_t page, uint64_t position) {
  if (position >= window_end) move_window(position);
  if (frame_of[page] == EVICTED) history[window].major++;
  else history[window].minor++;
  uint32_t pfn;
  if (frames_used < frames) {
    pfn = frames_used++;
  } else {
    pfn = victim(policy);
    frame_of[page_of[pfn]] = EVICTED;
    writebacks += dirty[pfn];
  }
  page_of[pfn] = page;
  dirty[pfn] = 0;
  frame_of[page] = pfn + FRAME_BIAS;
  if (policy == LRU) insert_newest(pfn + 1);
  if (policy == CLOCK) accessed[pfn] = 0;
  return pfn;
}
