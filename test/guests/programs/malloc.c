/* What C and POSIX promise of malloc and its kin, asked of include/pymalloc_malloc.c. 0, or the line that failed. */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pymalloc.h"

/* wasi-libc declares it in newer versions only. */
void *reallocarray(void *p, size_t count, size_t size);

#define CHECK(condition) \
  if (!(condition)) return __LINE__

/* The optimizer knows malloc, and would leave out what it finds useless. */
static void *volatile kept;

static void *opaque(void *p) {
  kept = p;
  return kept;
}

static int is_filled(const char *p, size_t n, char byte) {
  for (size_t i = 0; i < n; i++) {
    if (p[i] != byte) return 0;
  }
  return 1;
}

PYMALLOC_EXPORT(plain) int plain(void) {
  char *empty = opaque(malloc(0)), *other = opaque(malloc(0)), *p = opaque(malloc(100)), *zeros;
  CHECK(empty != NULL && other != NULL && empty != other);
  memset(p, 7, 100);
  p = opaque(realloc(p, 5000));
  CHECK(is_filled(p, 100, 7));
  p = opaque(realloc(p, 50));
  CHECK(is_filled(p, 50, 7));
  zeros = opaque(calloc(60, 50));
  CHECK(is_filled(zeros, 3000, 0));
  free(zeros);
  zeros = opaque(reallocarray(NULL, 10, 20));
  CHECK(zeros != NULL);
  zeros = opaque(reallocarray(zeros, 100, 20));
  CHECK(malloc_usable_size(zeros) >= 2000);
  free(zeros);
  free(p);
  free(empty);
  free(other);
  free(NULL);
  CHECK(malloc_usable_size(NULL) == 0);
  p = strdup("of the C library's own");
  CHECK(strlen(p) == 22);
  free(p);
  return 0;
}

PYMALLOC_EXPORT(failing) int failing(void) {
  char *p = opaque(malloc(10));
  volatile size_t huge = SIZE_MAX / 2 + 5, crooked = 24;
  errno = 0;
  CHECK(opaque(malloc(huge)) == NULL && errno == ENOMEM);
  errno = 0;
  CHECK(opaque(calloc(huge, 3)) == NULL && errno == ENOMEM);
  errno = 0;
  CHECK(opaque(realloc(p, huge)) == NULL && errno == ENOMEM);
  errno = 0;
  CHECK(opaque(reallocarray(p, huge, 3)) == NULL && errno == ENOMEM);
  for (volatile size_t n = SIZE_MAX; n > SIZE_MAX - 40; n--) {
    errno = 0;
    CHECK(opaque(malloc(n)) == NULL && errno == ENOMEM);
    CHECK(opaque(calloc(1, n)) == NULL && opaque(realloc(p, n)) == NULL);
    CHECK(opaque(aligned_alloc(16, n)) == NULL);
  }
  errno = 0;
  CHECK(opaque(aligned_alloc(64, huge * 2 - 20)) == NULL && errno == ENOMEM);
  errno = 0;
  CHECK(opaque(aligned_alloc(crooked, 10)) == NULL && errno == EINVAL);
  void *out = p;
  CHECK(posix_memalign(&out, 2, 10) == EINVAL && out == p);
  CHECK(posix_memalign(&out, crooked, 10) == EINVAL && out == p);
  CHECK(posix_memalign(&out, 64, huge) == ENOMEM && out == p);
  CHECK(posix_memalign(&out, 8, huge) == ENOMEM && out == p);
  free(p);
  return 0;
}

/* Many at once, so that chains are long; freed in another order than made. */
PYMALLOC_EXPORT(aligned) int aligned(void) {
  enum { COUNT = 600 };
  static char *blocks[COUNT];
  for (int i = 0; i < COUNT; i++) {
    size_t alignment = (size_t)1 << (i % 13), n = (size_t)(i * 7 % 700);
    if (i % 2 == 0) {
      blocks[i] = opaque(aligned_alloc(alignment, n));
    } else {
      void *out;
      CHECK(posix_memalign(&out, alignment < 4 ? 4 : alignment, n) == 0);
      blocks[i] = opaque(out);
    }
    CHECK(blocks[i] != NULL && (uintptr_t)blocks[i] % alignment == 0);
    CHECK(malloc_usable_size(blocks[i]) >= n);
    memset(blocks[i], i % 100, n);
  }
  for (int i = 0; i < COUNT; i += 3) {
    size_t n = (size_t)(i * 7 % 700);
    blocks[i] = opaque(realloc(blocks[i], n / 2 + 300));
    CHECK(is_filled(blocks[i], n < n / 2 + 300 ? n : n / 2 + 300, (char)(i % 100)));
  }
  for (int i = 0; i < COUNT; i++) {
    int at = i * 7 % COUNT; /* 7 and 600 have no common divisor */
    size_t n = (size_t)(at * 7 % 700);
    CHECK(at % 3 == 0 || is_filled(blocks[at], n, (char)(at % 100)));
    free(blocks[at]);
  }
  return 0;
}

/* All that is usable is written to. */
PYMALLOC_EXPORT(usable) int usable(void) {
  for (size_t n = 1; n < 3000; n += 13) {
    char *p = opaque(malloc(n));
    CHECK(malloc_usable_size(p) >= n && malloc_usable_size(p) < n + n / 8 + 32);
    memset(p, 1, malloc_usable_size(p));
    free(p);
  }
  return 0;
}

PYMALLOC_EXPORT(twice) void twice(void) {
  char *p = opaque(aligned_alloc(32, 10));
  free(p);
  free(p);
}
