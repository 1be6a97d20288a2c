/*
 * Makes the calls that standard input has, of 24 bytes each (kind, slot, size, alignment), and writes for each
 * what it was given as 8 bytes; then the program break before the first call, the lowest address that is mapped
 * above it, and mallinfo2(3). No call but those uses the heap. There is
 * no gap above that, so that mappings are placed as if nothing else was mapped.
 */

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct call {
  uint32_t kind;
  uint32_t slot;
  uint64_t size;
  uint64_t alignment;
};

#define CALLS_MAX (4 << 20)
#define SLOTS_MAX (1 << 20)

static struct call *calls;
static uint64_t *results;
static void *slots[SLOTS_MAX];

static void write_all(const void *from, size_t bytes) {
  const char *at = from;
  while (bytes > 0) {
    ssize_t written = write(1, at, bytes);
    if (written <= 0) _exit(1);
    at += written;
    bytes -= written;
  }
}

static void *room(size_t bytes) {
  void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) _exit(1);
  return at;
}

/* Maps what is free above `low`. */
static void fill_gaps(char *low) {
  for (size_t bytes = 1 << 30; bytes >= 4096; bytes >>= 1) {
    char *at = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    while (at > low) at = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    munmap(at, bytes);
  }
}

int main(void) {
  results = room(8 * CALLS_MAX);
  calls = room(sizeof(struct call) * CALLS_MAX);
  char *low = (char *)calls < (char *)results ? (char *)calls : (char *)results;
  fill_gaps(low);
  size_t length = 0;
  ssize_t got;
  while ((got = read(0, (char *)calls + length, sizeof(struct call) * CALLS_MAX - length)) > 0) length += got;
  size_t count = length / sizeof(struct call);
  uint64_t start = (uint64_t)sbrk(0);
  for (size_t index = 0; index < count; index++) {
    const struct call *call = &calls[index];
    void **slot = &slots[call->slot];
    switch (call->kind) {
      case 0: *slot = malloc(call->size); break;
      case 1: *slot = calloc(1, call->size); break;
      case 2: *slot = realloc(*slot, call->size); break;
      case 3: free(*slot); *slot = NULL; break;
      case 4: *slot = memalign(call->alignment, call->size); break;
    }
    results[index] = (uint64_t)*slot;
  }
  struct mallinfo2 info = mallinfo2();
  write_all(results, 8 * count);
  uint64_t map_top = (uint64_t)low;
  write_all(&start, 8);
  write_all(&map_top, 8);
  write_all(&info, sizeof info);
  return 0;
}
