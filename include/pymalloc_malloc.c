/*
 * C's malloc for a WebAssembly guest, on the object family of the heap that the guest lives in: compile and link this file
 * with the guest, and everything in it that calls malloc, libraries and the C library included, uses pools.
 *
 * The contracts are C's and POSIX's, with errno. malloc(0) is a block of its own, realloc(p, 0) leaves one. Blocks of 16
 * bytes and more begin at a multiple of 16, as C wants it for what needs that, and shorter ones at a multiple of 8; for
 * more there is aligned_alloc.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pymalloc.h"

/* 8 takes less memory; it is for programs that have no long double and no vectors of SIMD on the heap. */
#ifndef PYMALLOC_MALLOC_ALIGNMENT
#define PYMALLOC_MALLOC_ALIGNMENT 16
#endif
#define ALIGNMENT PYMALLOC_MALLOC_ALIGNMENT
#if ALIGNMENT == 16
_Static_assert(ALIGNMENT >= _Alignof(max_align_t), "malloc's blocks are aligned for any type");
_Static_assert(ALIGNMENT == 2 * PYMALLOC_ALIGNMENT, "of two size classes one is aligned");
#else
_Static_assert(ALIGNMENT == PYMALLOC_ALIGNMENT, "PYMALLOC_MALLOC_ALIGNMENT is 16 or 8");
#endif

/* The bytes that may be used of a block of the object family; in a debug mode, those that were asked for. */
PYMALLOC_IMPORT("malloc_usable_size") size_t pymalloc_usable_size(void *p);

#if ALIGNMENT > PYMALLOC_ALIGNMENT
/* From now on the heap keeps *bit as `class_bit` below says. */
PYMALLOC_IMPORT("malloc_class_bit") void pymalloc_class_bit(size_t *bit);

/*
 * The blocks of every other size class begin at multiples of 16: of those for 9 to 16 bytes, 25 to 32, 41 to 48, ... So
 * that one is asked for, by a request that has this bit when it is counted from 0. In a debug mode, where every block
 * of 16 bytes and more is at such a place and a byte too much has to show, it is 0.
 */
static size_t class_bit = PYMALLOC_ALIGNMENT;

__attribute__((constructor)) static void watch_class_bit(void) {
  pymalloc_class_bit(&class_bit);
}

/* What is asked for in order to have n bytes. (Shorter ones are below 0 here, and so is what no memory has.) */
static size_t request(size_t n) {
  return n - ALIGNMENT < PTRDIFF_MAX ? ((n - 1) | class_bit) + 1 : n;
}
#else
static size_t request(size_t n) {
  return n;
}
#endif

static void *or_enomem(void *p) {
  if (p == NULL) errno = ENOMEM;
  return p;
}

/*
 * A block that begins at a multiple of more than 16. It lies in a longer one, with this at the longer one's beginning:
 *
 *     | AlignedBlock | ... | n bytes
 *     ^ of the object family ^ p, at the multiple
 *
 * free() has to know them from others: they are in a table by p, whose chains have one block on average. Where there are
 * none, and for every p that is at no multiple of twice ALIGNMENT, it does not look.
 */
typedef struct AlignedBlock {
  struct AlignedBlock *next; /* in the same chain of the table */
  char *p;
  size_t n;
} AlignedBlock;

/* The table has a power of two of chains. The first ones are static, so that there always is a table. */
#define FIRST_CHAINS 16
static AlignedBlock *first_chains[FIRST_CHAINS];
static AlignedBlock **chains = first_chains;
static size_t chain_count = FIRST_CHAINS, aligned_blocks;

/* By Fibonacci's hashing: whatever multiples the addresses are of, they differ in the product's upper bits. */
static AlignedBlock **chain_of(void *p) {
  uint32_t product = (uint32_t)(uintptr_t)p * 0x9e3779b9u;
  return &chains[((uint64_t)product * chain_count) >> 32];
}

/* The link that points to the aligned block at p, or the one at its chain's end. */
static AlignedBlock **find(void *p) {
  AlignedBlock **link = chain_of(p);
  while (*link != NULL && (*link)->p != p) link = &(*link)->next;
  return link;
}

static AlignedBlock *aligned_at(void *p) {
  return aligned_blocks == 0 || (uintptr_t)p % (2 * ALIGNMENT) != 0 ? NULL : *find(p);
}

static void insert(AlignedBlock *block) {
  AlignedBlock **chain = chain_of(block->p);
  block->next = *chain;
  *chain = block;
}

/* Gives the table another number of chains; without memory for them it stays as it is. */
static void resize(size_t count) {
  AlignedBlock **old = chains;
  size_t old_count = chain_count;
  AlignedBlock **table =
      count > FIRST_CHAINS ? (AlignedBlock **)PyObject_Calloc(count, sizeof *table) : first_chains;
  if (table == NULL) return;
  chains = table;
  chain_count = count;
  for (size_t i = 0; i < old_count; i++) {
    for (AlignedBlock *block = old[i], *next; block != NULL; block = next) {
      next = block->next;
      insert(block);
    }
  }
  if (old != first_chains) PyObject_Free(old);
  else memset(old, 0, sizeof first_chains);
}

/* Takes the block that a link points to out of the table. */
static AlignedBlock *take_out(AlignedBlock **link) {
  AlignedBlock *block = *link;
  *link = block->next;
  if (--aligned_blocks == 0 && chain_count > FIRST_CHAINS) resize(FIRST_CHAINS);
  return block;
}

void *malloc(size_t n) {
  return or_enomem(PyObject_Malloc(request(n)));
}

void *calloc(size_t count, size_t size) {
  size_t n;
  if (__builtin_mul_overflow(count, size, &n)) return or_enomem(NULL);
  return or_enomem(PyObject_Calloc(1, request(n)));
}

void free(void *p) {
  if (aligned_at(p) != NULL) p = take_out(find(p));
  PyObject_Free(p);
}

void *realloc(void *p, size_t n) {
  AlignedBlock *block = aligned_at(p);
  void *q;
  if (block == NULL) return or_enomem(PyObject_Realloc(p, request(n)));
  q = malloc(n); /* as with every realloc, the alignment is an ordinary one then */
  if (q == NULL) return NULL;
  memcpy(q, p, n < block->n ? n : block->n);
  free(p);
  return q;
}

void *reallocarray(void *p, size_t count, size_t size) {
  size_t n;
  if (__builtin_mul_overflow(count, size, &n)) return or_enomem(NULL);
  return realloc(p, n);
}

/* An error's number, or 0. */
int posix_memalign(void **out, size_t alignment, size_t n) {
  AlignedBlock *block;
  if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return EINVAL;
  if (alignment <= ALIGNMENT) {
    void *p = PyObject_Malloc(request(alignment == ALIGNMENT && n < ALIGNMENT ? ALIGNMENT : n));
    if (p == NULL) return ENOMEM;
    *out = p;
    return 0;
  }
  if (n > SIZE_MAX - alignment - sizeof(AlignedBlock)) return ENOMEM;
  block = (AlignedBlock *)PyObject_Malloc(sizeof(AlignedBlock) + alignment - 1 + n);
  if (block == NULL) return ENOMEM;
  block->p = (char *)(((uintptr_t)(block + 1) + alignment - 1) & ~(uintptr_t)(alignment - 1));
  block->n = n;
  if (++aligned_blocks > chain_count) resize(chain_count * 2);
  insert(block);
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
