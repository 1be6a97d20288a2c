/*
 * Lackey text into page runs with a plain loop over its bytes, reading included: the same grammar and the same runs
 * as assembly/decode/lackey.ts, with a buffer of 1 MiB.
 *     lackey FILE repetitions
 */

#include <fcntl.h>
#include <unistd.h>

#include "bench.h"

#define TEXT_BYTES (1 << 20)
#define RUNS (TEXT_BYTES / 7 + 1024)
#define PAGE_SHIFT 12

static char text[TEXT_BYTES];
static uint64_t tags[RUNS];
static uint16_t attrs[RUNS];
static uint64_t references[4], lines, runs;
static int8_t digits[256];

/* Decodes whole lines and returns how many bytes they were. */
static size_t decode(const char *from, size_t length) {
  const char *at = from, *end = from + length;
  uint64_t key = UINT64_MAX;
  uint32_t more = 0;
  size_t out = (size_t)-1;
  for (;;) {
    const char *line = at, *newline = memchr(at, '\n', (size_t)(end - at));
    if (!newline) break;
    at = newline + 1;
    lines++;
    uint32_t kind;
    if (line[0] == 'I' && line[1] == ' ') kind = 0;
    else if (line[0] == ' ' && line[1] == 'L') kind = 1;
    else if (line[0] == ' ' && line[1] == 'S') kind = 2;
    else if (line[0] == ' ' && line[1] == 'M') kind = 3;
    else continue;
    uint64_t address = 0;
    uint32_t size = 0;
    const char *p = line + 3;
    for (int digit; (digit = digits[(uint8_t)*p]) >= 0; p++) address = address << 4 | (uint64_t)digit;
    if (*p != ',') fail("a bad line");
    for (p++; *p >= '0' && *p <= '9'; p++) size = size * 10 + (uint32_t)(*p - '0');
    uint64_t last = (address + size - 1) >> PAGE_SHIFT;
    for (uint64_t vpn = address >> PAGE_SHIFT; vpn <= last; vpn++) {
      references[kind]++;
      uint64_t next = vpn << 2 | kind;
      if (next == key && more + 1 < 1 << 14) {
        more++;
      } else {
        out++;
        key = next;
        more = 0;
        tags[out] = vpn;
      }
      attrs[out] = (uint16_t)(more << 2 | kind);
    }
  }
  runs += out + 1;
  return (size_t)(at - from);
}

static void parse(const char *path) {
  int fd = open(path, O_RDONLY);
  if (fd < 0) fail(path);
  size_t length = 0;
  for (;;) {
    ssize_t got = read(fd, text + length, TEXT_BYTES - length);
    if (got < 0) fail(path);
    if (got == 0) break;
    length += (size_t)got;
    size_t taken = decode(text, length);
    length -= taken;
    memmove(text, text + taken, length);
  }
  close(fd);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  memset(digits, -1, sizeof digits);
  for (int i = 0; i < 16; i++) digits[(uint8_t)"0123456789abcdef"[i]] = digits[(uint8_t)"0123456789ABCDEF"[i]] = (int8_t)i;
  int repetitions = atoi(argv[2]);
  double *seconds = zeroed((size_t)repetitions * sizeof *seconds);
  for (int i = -1; i < repetitions; i++) { /* the first warms up */
    memset(references, 0, sizeof references);
    lines = runs = 0;
    double start = now();
    parse(argv[1]);
    if (i >= 0) seconds[i] = now() - start;
  }
  printf("{\"references\":[%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "],\"lines\":%" PRIu64 ",\"runs\":%" PRIu64 ",",
         references[0], references[1], references[2], references[3], lines, runs);
  print_timing(seconds, repetitions);
  printf("}\n");
  return 0;
}
