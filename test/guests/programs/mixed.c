/* C code in a program of Rust's: it lives from the malloc that the crate in include/rust gives it, on Rust's heap. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t malloc_usable_size(void *p);

/* The compiler must not see which block it is. */
static void *opaque(void *p) {
  void *volatile seen = p;
  return seen;
}

/* A text that Rust reads, and frees with C's free. */
char *c_text(const char *text, int times) {
  size_t n = strlen(text);
  char *all = calloc(n * times + 1, 1);
  for (int i = 0; i < times; i++) memcpy(all + i * n, text, n);
  return realloc(all, n * times + 1);
}

/* What C promises of its malloc: 0, or the line of what is not so. */
#define EXPECT(true) if (!(true)) return __LINE__

int c_promises(void) {
  for (size_t n = 0; n < 3000; n += n < 100 ? 1 : 61) {
    unsigned char *p = opaque(malloc(n)), *z = opaque(calloc(n, 1));
    EXPECT(p != NULL && z != NULL && p != z);
    EXPECT((uintptr_t)p % (n < 16 ? 8 : 16) == 0 && (uintptr_t)z % (n < 16 ? 8 : 16) == 0);
    EXPECT(malloc_usable_size(p) >= n);
    for (size_t i = 0; i < n; i++) EXPECT(z[i] == 0);
    memset(p, 0x55, n);
    p = opaque(reallocarray(p, 2, n + 8));
    EXPECT(p != NULL && (uintptr_t)p % 16 == 0);
    for (size_t i = 0; i < n; i++) EXPECT(p[i] == 0x55);
    free(p);
    free(z);
  }
  void *p = NULL;
  EXPECT(posix_memalign(&p, 16, 5) == 0 && (uintptr_t)opaque(p) % 16 == 0);
  free(p);
  EXPECT((p = aligned_alloc(16, 48)) != NULL && (uintptr_t)opaque(p) % 16 == 0);
  free(p);
  EXPECT(posix_memalign(&p, 12, 48) == EINVAL && posix_memalign(&p, 2, 48) == EINVAL);
  return 0;
}

/* What there is no memory for is NULL, and errno says so: 0, or the line of what is not so. */
int c_refusals(void) {
  void *p = opaque(malloc(100));
  for (volatile size_t n = SIZE_MAX; n > SIZE_MAX - 40; n--) {
    errno = 0;
    EXPECT(opaque(malloc(n)) == NULL && errno == ENOMEM);
    EXPECT(opaque(calloc(1, n)) == NULL);
    EXPECT(opaque(realloc(p, n)) == NULL);
    EXPECT(opaque(aligned_alloc(16, n)) == NULL);
  }
  volatile size_t half = SIZE_MAX / 2 + 2;
  errno = 0;
  EXPECT(opaque(calloc(2, half)) == NULL && errno == ENOMEM);
  errno = 0;
  EXPECT(opaque(reallocarray(p, half, 2)) == NULL && errno == ENOMEM);
  EXPECT(malloc_usable_size(p) >= 100);
  free(p);
  return 0;
}

/* One byte too much, of as many as rounding up would hide. */
void c_overflow(void) {
  char *p = opaque(malloc(17));
  p[17] = 1;
  free(p);
}
