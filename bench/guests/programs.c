/*
 * What `npm run bench -- guests` times: C programs that live from malloc. Compiled with wasi-libc's malloc, and with
 * include/pymalloc_malloc.c; programs.rs has the same in Rust.
 */
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(#name)))

/* ------------------------------------------------------------------------------------------- binary trees */

typedef struct Tree {
  struct Tree *left, *right;
} Tree;

static Tree *grow(int depth) {
  Tree *tree = malloc(sizeof(Tree));
  tree->left = depth > 0 ? grow(depth - 1) : NULL;
  tree->right = depth > 0 ? grow(depth - 1) : NULL;
  return tree;
}

static int count(const Tree *tree) {
  return tree->left == NULL ? 1 : 1 + count(tree->left) + count(tree->right);
}

static void fell(Tree *tree) {
  if (tree->left != NULL) {
    fell(tree->left);
    fell(tree->right);
  }
  free(tree);
}

static int grow_and_fell(int depth) {
  Tree *tree = grow(depth);
  int nodes = count(tree);
  fell(tree);
  return nodes;
}

/* One tree lives all the time, and many of each depth come and go. Returns how many nodes there were. */
EXPORT(trees) int trees(int depth) {
  int nodes = grow_and_fell(depth + 1);
  Tree *old = grow(depth);
  for (int d = 4; d <= depth; d += 4) {
    for (int i = 1 << (depth - d + 2); i > 0; i--) nodes += grow_and_fell(d);
  }
  nodes += count(old);
  fell(old);
  return nodes;
}

/* ---------------------------------------------------------------------------------------- building strings */

static char *number(unsigned n) {
  char digits[12], *end = digits + sizeof digits - 1, *p = end;
  *p = 0;
  do *--p = (char)('0' + n % 10);
  while ((n /= 10) != 0);
  return memcpy(malloc((size_t)(end - p) + 1), p, (size_t)(end - p) + 1);
}

/* a + between + b, in place of both. */
static char *join(char *a, const char *between, char *b) {
  size_t length_a = strlen(a), length_between = strlen(between), length_b = strlen(b);
  char *joined = malloc(length_a + length_between + length_b + 1);
  memcpy(joined, a, length_a);
  memcpy(joined + length_a, between, length_between);
  memcpy(joined + length_a + length_between, b, length_b + 1);
  free(a);
  free(b);
  return joined;
}

/* Lines of "key=value; key=value; ...", `lines` of them, all kept until the end. Returns a checksum. */
EXPORT(strings) unsigned strings(int lines) {
  unsigned sum = 0, random = 1;
  char **kept = NULL;
  for (int i = 0; i < lines; i++) {
    char *line = number((unsigned)i);
    random = random * 1664525u + 1013904223u;
    for (unsigned field = random >> 29; field > 0; field--) {
      line = join(line, "; ", join(number(field), "=", number(random >> field)));
    }
    if ((i & (i - 1)) == 0) kept = realloc(kept, (size_t)(i > 0 ? 2 * i : 1) * sizeof *kept);
    kept[i] = line;
  }
  for (int i = 0; i < lines; i++) {
    for (const char *p = kept[i]; *p != 0; p++) sum = sum * 31 + (unsigned char)*p;
    free(kept[i]);
  }
  free(kept);
  return sum;
}
