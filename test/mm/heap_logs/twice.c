/*
 * Frees a block twice, with another free between, which malloc does not notice without a tcache. twice.mtrace
 * is its log:
 *
 *     gcc -O0 -rdynamic -o twice twice.c
 *     GLIBC_TUNABLES=glibc.malloc.tcache_count=0 MALLOC_TRACE=twice.mtrace LD_PRELOAD=libc_malloc_debug.so ./twice
 */
#include <mcheck.h>
#include <stdlib.h>
static void *make(size_t size) { return malloc(size); }
static void drop(void *block) { free(block); }
int main(void) {
  mtrace();
  void *first = make(40), *second = make(40);
  drop(first);
  drop(second);
  drop(first);
  return 0;
}
