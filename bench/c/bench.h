/*
 * What the C baselines share: reading a column from a file, timing, and the median of the repetitions as JSON.
 */

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

/* Memory that is zero and not yet touched, as an engine's is. */
static void *zeroed(size_t bytes) {
  void *at = calloc(bytes, 1);
  if (!at) fail("calloc");
  return at;
}

/* The whole file, and how many elements of `element` bytes it has. */
__attribute__((unused)) static void *read_column(const char *path, size_t element, size_t *count) {
  FILE *file = fopen(path, "rb");
  if (!file) fail(path);
  fseek(file, 0, SEEK_END);
  size_t bytes = (size_t)ftell(file);
  rewind(file);
  void *column = malloc(bytes ? bytes : 1);
  if (!column || fread(column, 1, bytes, file) != bytes) fail(path);
  fclose(file);
  *count = bytes / element;
  return column;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The members of the result that every program prints; braces are the caller's. */
static void print_timing(double *seconds, int count) {
  qsort(seconds, (size_t)count, sizeof *seconds, by_value);
  double median = (seconds[(count - 1) / 2] + seconds[count / 2]) / 2;
  printf("\"median\":%.9f,\"min\":%.9f,\"max\":%.9f,\"samples\":%d", median, seconds[0], seconds[count - 1], count);
}
