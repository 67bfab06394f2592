/*
 * C's malloc for a WebAssembly guest, on the object family of the heap that the guest lives in: compile and link this file
 * with the guest, and everything in it that calls malloc, libraries and the C library included, uses pools.
 *
 * The contracts are C's and POSIX's, with errno. malloc(0) is a block of its own, realloc(p, 0) leaves one. Blocks
 * begin at a multiple of 8; for more there is aligned_alloc.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pymalloc.h"

/* The bytes that may be used of a block of the object family; in a debug mode, those that were asked for. */
PYMALLOC_IMPORT("malloc_usable_size") size_t pymalloc_usable_size(void *p);

/*
 * A block that begins at a multiple of more than 8. It lies in a longer one, with this at the longer one's beginning:
 *
 *     | AlignedBlock | ... | n bytes
 *     ^ of the object family ^ p, at the multiple
 *
 * free() has to know them from others; they are in a table by p. Few programs have any, and then it costs a load.
 */
typedef struct AlignedBlock {
  struct AlignedBlock *next; /* in the same chain of the table */
  char *p;
  size_t n;
} AlignedBlock;

#define CHAINS 64
static AlignedBlock *chains[CHAINS];
static size_t aligned_blocks;

static AlignedBlock **chain_of(void *p) {
  return &chains[((uintptr_t)p >> 4) % CHAINS];
}

/* The link that points to the aligned block at p, or the one at its chain's end. */
static AlignedBlock **find(void *p) {
  AlignedBlock **link = chain_of(p);
  while (*link != NULL && (*link)->p != p) link = &(*link)->next;
  return link;
}

static AlignedBlock *aligned_at(void *p) {
  return aligned_blocks == 0 || p == NULL ? NULL : *find(p);
}

static void *or_enomem(void *p) {
  if (p == NULL) errno = ENOMEM;
  return p;
}

void *malloc(size_t n) {
  return or_enomem(PyObject_Malloc(n));
}

void *calloc(size_t count, size_t size) {
  return or_enomem(PyObject_Calloc(count, size));
}

void free(void *p) {
  if (aligned_at(p) != NULL) {
    AlignedBlock **link = find(p);
    p = *link;
    *link = (*link)->next;
    aligned_blocks--;
  }
  PyObject_Free(p);
}

void *realloc(void *p, size_t n) {
  AlignedBlock *block = aligned_at(p);
  void *q;
  if (block == NULL) return or_enomem(PyObject_Realloc(p, n));
  q = malloc(n); /* as with every realloc, the alignment is an ordinary one then */
  if (q == NULL) return NULL;
  memcpy(q, p, n < block->n ? n : block->n);
  free(p);
  return q;
}

void *reallocarray(void *p, size_t count, size_t size) {
  if (size != 0 && count > SIZE_MAX / size) return or_enomem(NULL);
  return realloc(p, count * size);
}

/* An error's number, or 0. */
int posix_memalign(void **out, size_t alignment, size_t n) {
  AlignedBlock *block;
  if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return EINVAL;
  if (alignment <= PYMALLOC_ALIGNMENT) {
    void *p = PyObject_Malloc(n);
    if (p == NULL) return ENOMEM;
    *out = p;
    return 0;
  }
  if (n > SIZE_MAX - alignment - sizeof(AlignedBlock)) return ENOMEM;
  block = (AlignedBlock *)PyObject_Malloc(sizeof(AlignedBlock) + alignment - 1 + n);
  if (block == NULL) return ENOMEM;
  block->p = (char *)(((uintptr_t)(block + 1) + alignment - 1) & ~(uintptr_t)(alignment - 1));
  block->n = n;
  block->next = *chain_of(block->p);
  *chain_of(block->p) = block;
  aligned_blocks++;
  *out = block->p;
  return 0;
}

void *aligned_alloc(size_t alignment, size_t n) {
  void *p = NULL;
  int error = posix_memalign(&p, alignment < sizeof(void *) ? sizeof(void *) : alignment, n);
  if (error != 0) errno = error;
  return p;
}

size_t malloc_usable_size(void *p) {
  AlignedBlock *block = aligned_at(p);
  return block != NULL ? block->n : pymalloc_usable_size(p);
}

/* The names by which wasi-libc calls them itself. Without them its own malloc would be linked in as well. */
void *__libc_malloc(size_t n) {
  return malloc(n);
}

void *__libc_calloc(size_t count, size_t size) {
  return calloc(count, size);
}

void __libc_free(void *p) {
  free(p);
}
