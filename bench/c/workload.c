/*
 * What the recorded compiler compiles: the benchmarks' trace is gcc's cc1 at work on this file with -O2, so that
 * every machine with valgrind and gcc records much the same one. No #include, for headers differ. The first function
 * wakes every pass of the optimiser, which takes some 60 million instructions whatever the function is, and each
 * further line takes a million or two: so short a file makes 1.3 GB of text, 90 million references.
 */

unsigned int fnv1a(const char *text) {
  unsigned int hash = 2166136261u;
  while (*text) hash = (hash ^ (unsigned char)*text++) * 16777619u;
  return hash;
}
