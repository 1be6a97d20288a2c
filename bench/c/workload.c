/*
 * What the recorded compiler compiles: the benchmarks' trace is cc1 at work on this file, so that every machine
 * with valgrind and gcc records much the same one. No #include, for headers differ; the code only has to keep
 * the optimiser busy for some 90 million references.
 */

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

/* --- A hash table of strings with open addressing. --- */

#define SLOTS 4096

struct slot {
  const char *key;
  u32 hash;
  long value;
};

static struct slot table[SLOTS];
static u32 used;

static u32 hash_of(const char *text) {
  u32 hash = 2166136261u;
  while (*text) hash = (hash ^ (u8)*text++) * 16777619u;
  return hash;
}

static int same(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

static struct slot *find(const char *key) {
  u32 hash = hash_of(key);
  u32 at = hash % SLOTS;
  while (table[at].key) {
    if (table[at].hash == hash && same(table[at].key, key)) break;
    at = (at + 1) % SLOTS;
  }
  if (!table[at].key) {
    table[at].key = key;
    table[at].hash = hash;
    used++;
  }
  return &table[at];
}

/* --- A calculator: tokens, precedence, a stack. --- */

enum token { END, NUMBER, NAME, PLUS, MINUS, TIMES, OVER, MODULO, LEFT, RIGHT, ASSIGN, BAD };

struct lexer {
  const char *at;
  enum token token;
  long number;
  char name[16];
};

static void advance(struct lexer *lexer) {
  while (*lexer->at == ' ' || *lexer->at == '\t') lexer->at++;
  char c = *lexer->at;
  if (c >= '0' && c <= '9') {
    lexer->number = 0;
    while (*lexer->at >= '0' && *lexer->at <= '9') lexer->number = lexer->number * 10 + (*lexer->at++ - '0');
    lexer->token = NUMBER;
    return;
  }
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_') {
    int length = 0;
    for (; (*lexer->at >= 'a' && *lexer->at <= 'z') || *lexer->at == '_'; lexer->at++)
      if (length < 15) lexer->name[length++] = *lexer->at;
    lexer->name[length] = 0;
    lexer->token = NAME;
    return;
  }
  if (c) lexer->at++;
  switch (c) {
    case 0: lexer->token = END; break;
    case '+': lexer->token = PLUS; break;
    case '-': lexer->token = MINUS; break;
    case '*': lexer->token = TIMES; break;
    case '/': lexer->token = OVER; break;
    case '%': lexer->token = MODULO; break;
    case '(': lexer->token = LEFT; break;
    case ')': lexer->token = RIGHT; break;
    case '=': lexer->token = ASSIGN; break;
    default: lexer->token = BAD;
  }
}

static long sum(struct lexer *lexer);

static long atom(struct lexer *lexer) {
  long value = 0;
  if (lexer->token == NUMBER) {
    value = lexer->number;
    advance(lexer);
  } else if (lexer->token == NAME) {
    struct slot *slot = find(lexer->name);
    advance(lexer);
    if (lexer->token == ASSIGN) {
      advance(lexer);
      slot->value = sum(lexer);
    }
    value = slot->value;
  } else if (lexer->token == MINUS) {
    advance(lexer);
    value = -atom(lexer);
  } else if (lexer->token == LEFT) {
    advance(lexer);
    value = sum(lexer);
    if (lexer->token == RIGHT) advance(lexer);
  }
  return value;
}

static long product(struct lexer *lexer) {
  long value = atom(lexer);
  for (;;) {
    enum token token = lexer->token;
    if (token != TIMES && token != OVER && token != MODULO) return value;
    advance(lexer);
    long right = atom(lexer);
    if (token == TIMES) value *= right;
    else if (right == 0) value = 0;
    else if (token == OVER) value /= right;
    else value %= right;
  }
}

static long sum(struct lexer *lexer) {
  long value = product(lexer);
  for (;;) {
    enum token token = lexer->token;
    if (token != PLUS && token != MINUS) return value;
    advance(lexer);
    long right = product(lexer);
    value += token == PLUS ? right : -right;
  }
}

long calculate(const char *text) {
  struct lexer lexer = { text, END, 0, { 0 } };
  advance(&lexer);
  return sum(&lexer);
}

/* --- Numbers: matrices, a sieve, sorting, checksums. --- */

#define N 24

void multiply(const double a[N][N], const double b[N][N], double c[N][N]) {
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      double total = 0;
      for (int k = 0; k < N; k++) total += a[i][k] * b[k][j];
      c[i][j] = total;
    }
}

int invert(double a[N][N], double inverse[N][N]) {
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) inverse[i][j] = i == j;
  for (int pivot = 0; pivot < N; pivot++) {
    int best = pivot;
    for (int row = pivot + 1; row < N; row++)
      if (a[row][pivot] * a[row][pivot] > a[best][pivot] * a[best][pivot]) best = row;
    if (a[best][pivot] == 0) return 0;
    for (int column = 0; column < N; column++) {
      double kept = a[pivot][column], other = inverse[pivot][column];
      a[pivot][column] = a[best][column], a[best][column] = kept;
      inverse[pivot][column] = inverse[best][column], inverse[best][column] = other;
    }
    double scale = 1 / a[pivot][pivot];
    for (int column = 0; column < N; column++) a[pivot][column] *= scale, inverse[pivot][column] *= scale;
    for (int row = 0; row < N; row++) {
      if (row == pivot) continue;
      double factor = a[row][pivot];
      for (int column = 0; column < N; column++) {
        a[row][column] -= factor * a[pivot][column];
        inverse[row][column] -= factor * inverse[pivot][column];
      }
    }
  }
  return 1;
}

u32 sieve(u8 *composite, u32 limit) {
  u32 primes = 0;
  for (u32 n = 2; n < limit; n++) {
    if (composite[n]) continue;
    primes++;
    for (u64 multiple = (u64)n * n; multiple < limit; multiple += n) composite[multiple] = 1;
  }
  return primes;
}

void sort(long *values, long count) {
  while (count > 16) {
    long pivot = values[count / 2], low = 0, high = count - 1;
    while (low <= high) {
      while (values[low] < pivot) low++;
      while (values[high] > pivot) high--;
      if (low <= high) {
        long kept = values[low];
        values[low++] = values[high];
        values[high--] = kept;
      }
    }
    sort(values + low, count - low);
    count = high + 1;
  }
  for (long i = 1; i < count; i++) {
    long value = values[i], at = i;
    for (; at > 0 && values[at - 1] > value; at--) values[at] = values[at - 1];
    values[at] = value;
  }
}

u32 crc32(const u8 *bytes, u64 length) {
  u32 crc = ~0u;
  while (length--) {
    crc ^= *bytes++;
    for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xedb88320u : crc >> 1;
  }
  return ~crc;
}

/* --- LZ77 with a hash of three bytes, greedy. --- */

u64 compress(const u8 *from, u64 length, u8 *to) {
  static u64 last[1 << 12];
  u64 out = 0, at = 0;
  while (at < length) {
    u64 match = 0, distance = 0;
    if (at + 3 <= length) {
      u32 hash = ((from[at] << 16 | from[at + 1] << 8 | from[at + 2]) * 2654435761u) >> 20;
      u64 before = last[hash];
      if (before < at && at - before < 65536)
        while (at + match < length && match < 255 && from[before + match] == from[at + match]) match++;
      distance = at - before;
      last[hash] = at;
    }
    if (match > 3) {
      to[out++] = 0;
      to[out++] = (u8)match;
      to[out++] = (u8)distance;
      to[out++] = (u8)(distance >> 8);
      at += match;
    } else {
      if (from[at] == 0) to[out++] = 0;
      to[out++] = from[at++];
    }
  }
  return out;
}
