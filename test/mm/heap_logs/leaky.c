/*
 * Counts words in a table of chains, grows a buffer, and forgets to free every fifth word and a row. One block
 * is from before the log begins. leaky.mtrace is its log:
 *
 *     gcc -O0 -rdynamic -o leaky leaky.c
 *     MALLOC_TRACE=leaky.mtrace LD_PRELOAD=libc_malloc_debug.so ./leaky
 */
#include <mcheck.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct word { struct word *next; char *text; int count; };
static struct word *table[64];
static char *copy(const char *text) { char *to = malloc(strlen(text) + 1); return strcpy(to, text); }
static void add(const char *text) {
  unsigned hash = 5381;
  for (const char *at = text; *at; at++) hash = hash * 33 + (unsigned char)*at;
  for (struct word *word = table[hash & 63]; word; word = word->next)
    if (strcmp(word->text, text) == 0) { word->count++; return; }
  struct word *word = calloc(1, sizeof *word);
  word->text = copy(text);
  word->next = table[hash & 63];
  table[hash & 63] = word;
}
int main(void) {
  char *early = malloc(100);
  mtrace();
  free(early);
  char *buffer = NULL;
  for (int size = 16; size < 400000; size *= 3) buffer = realloc(buffer, size);
  for (int index = 0; index < 60; index++) { char text[20]; sprintf(text, "word%d", index % 37); add(text); }
  int freed = 0;
  for (int chain = 0; chain < 64; chain++)
    for (struct word *word = table[chain]; word;) {
      struct word *next = word->next;
      if (++freed % 5) free(word->text);
      free(word);
      word = next;
    }
  char *matrix[4];
  for (int row = 0; row < 4; row++) matrix[row] = malloc(200000);
  for (int row = 0; row < 3; row++) free(matrix[row]);
  free(buffer);
  muntrace();
  return 0;
}
