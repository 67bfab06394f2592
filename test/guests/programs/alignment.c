/* Where the blocks of C's malloc begin, asked of include/pymalloc_malloc.c. 0, or the line that failed. */
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pymalloc.h"

/* wasi-libc declares it in newer versions only. */
void *reallocarray(void *p, size_t count, size_t size);

#define CHECK(condition) \
  if (!(condition)) return __LINE__

enum { EACH = 100, LONGEST = 600 };

/* The optimizer believes what malloc's declaration promises: it must not see where the pointers come from. */
static void *volatile kept;

static uintptr_t misplaced(void *p, size_t n) {
  kept = p;
  return (uintptr_t)kept % (n < 16 ? 8 : _Alignof(max_align_t));
}

static void *blocks[EACH];

static int all(void *(*make)(size_t n), size_t n) {
  for (int i = 0; i < EACH; i++) {
    blocks[i] = make(n);
    CHECK(blocks[i] != NULL);
    if (misplaced(blocks[i], n) != 0) return (int)(10000 + n);
    CHECK(malloc_usable_size(blocks[i]) >= n);
    memset(blocks[i], 255, n);
  }
  return 0;
}

static int free_all(void) {
  /* Every other one first, so that some pools are lent, and blocks come back in another order. */
  for (int i = 0; i < EACH; i += 2) free(blocks[i]);
  for (int i = 1; i < EACH; i += 2) free(blocks[i]);
  return 0;
}

static void *with_malloc(size_t n) {
  return malloc(n);
}

static void *with_calloc(size_t n) {
  char *p = calloc(n, 1);
  for (size_t i = 0; p != NULL && i < n; i++) {
    if (p[i] != 0) return NULL;
  }
  return p;
}

/* From a short block, from a longer one, and from one that is in a class between. */
static void *with_realloc(size_t n) {
  static unsigned turn;
  size_t before = turn % 4 == 0 ? 5 : turn % 4 == 1 ? n + 700 : turn % 4 == 2 ? n + 8 : n;
  turn++;
  return realloc(malloc(before), n);
}

static void *with_reallocarray(size_t n) {
  return reallocarray(malloc(1), n, 1);
}

static void *with_memalign(size_t n) {
  void *p = NULL;
  return posix_memalign(&p, 8, n) == 0 ? p : NULL;
}

static void *with_aligned_alloc(size_t n) {
  return aligned_alloc(16, n);
}

static void *(*const makers[])(size_t) = {
    with_malloc, with_calloc, with_realloc, with_reallocarray, with_memalign, with_aligned_alloc,
};

PYMALLOC_EXPORT(alignment) int alignment(void) {
  static const size_t longer[] = {1000, 1024, 4096, 5001, 70000};
  for (size_t maker = 0; maker < sizeof makers / sizeof *makers; maker++) {
    for (size_t n = 1; n <= LONGEST; n += n < 80 ? 1 : 13) {
      int line = all(makers[maker], n);
      if (line != 0) return line;
      free_all();
    }
    for (size_t i = 0; i < sizeof longer / sizeof *longer; i++) {
      int line = all(makers[maker], longer[i]);
      if (line != 0) return line;
      free_all();
    }
  }
  /* However short it is, what was asked for is at that multiple. */
  for (size_t multiple = 16; multiple <= 65536; multiple *= 2) {
    for (size_t n = 0; n < 40; n++) {
      void *p = aligned_alloc(multiple, n);
      CHECK(p != NULL && misplaced(p, 16) == 0 && (uintptr_t)kept % multiple == 0);
      free(p);
    }
  }
  return 0;
}

/* Sizes in any order, so that size classes share pools and holes; blocks are resized and come and go. */
PYMALLOC_EXPORT(churn) int churn(unsigned seed, int steps) {
  enum { LIVE = 2000 };
  static struct { unsigned char *p; size_t n; } live[LIVE];
  for (int step = 0; step < steps; step++) {
    unsigned at = (seed = seed * 1664525u + 1013904223u) >> 8;
    unsigned char **p = &live[at % LIVE].p, mark = (unsigned char)(at % LIVE);
    size_t *n = &live[at % LIVE].n, before = *n;
    seed = seed * 1664525u + 1013904223u;
    *n = (seed >> 9) % (seed % 16 == 0 ? 3000 : 100);
    for (size_t i = 0; *p != NULL && i < before; i++) CHECK((*p)[i] == mark);
    if (*p == NULL) {
      *p = seed % 3 == 0 ? calloc(1, *n) : malloc(*n);
    } else if (seed % 2 == 0) {
      *p = realloc(*p, *n);
      for (size_t i = 0; i < before && i < *n; i++) CHECK((*p)[i] == mark);
    } else {
      free(*p);
      *p = NULL;
      continue;
    }
    CHECK(*p != NULL && misplaced(*p, *n) == 0);
    memset(*p, mark, *n);
  }
  for (int i = 0; i < LIVE; i++) {
    free(live[i].p);
    live[i].p = NULL;
  }
  return 0;
}

/* What is one byte too much. */
PYMALLOC_EXPORT(overflow) void overflow(size_t n) {
  volatile unsigned char *p = malloc(n);
  p[n] = 1;
  free((void *)p);
}

static void *many[65536];

/* So many blocks at multiples of `multiple` at once. */
PYMALLOC_EXPORT(make_aligned) int make_aligned(size_t multiple, int count) {
  for (int i = 0; i < count; i++) {
    many[i] = aligned_alloc(multiple, 24);
    CHECK(many[i] != NULL && (uintptr_t)many[i] % multiple == 0);
  }
  return 0;
}

PYMALLOC_EXPORT(free_aligned) int free_aligned(int count) {
  for (int i = 0; i < count; i++) free(many[i]);
  return 0;
}

PYMALLOC_EXPORT(usable) size_t usable(void *p) {
  return malloc_usable_size(p);
}
