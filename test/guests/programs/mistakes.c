/* The six mistakes that a debug heap names, each in a function of its own, made as C programs make them. */
#include "pymemcompat.h"

#include <string.h>

/* A name of 15 letters needs 16 bytes. */
PYMALLOC_EXPORT(buffer_overflow) void buffer_overflow(void) {
  char *name = (char *)PyMem_Malloc(15);
  strcpy(name, "Brian Kernighan");
  PyMem_Free(name);
}

/* Trims spaces from the end, of a text that has nothing else. */
PYMALLOC_EXPORT(buffer_underflow) void buffer_underflow(void) {
  char *text = (char *)PyMem_Malloc(4), *end = text + 3;
  memcpy(text, "   ", 4);
  text[-1] = ' ';
  while (*(end - 1) == ' ') *--end = 0;
  PyMem_Free(text);
}

typedef struct {
  int count;
  double total;
} Sum;

PYMALLOC_EXPORT(make_sum) Sum *make_sum(void) {
  return (Sum *)PyObject_Calloc(1, sizeof(Sum));
}

PYMALLOC_EXPORT(drop_sum) void drop_sum(Sum *sum) {
  PyObject_Free(sum);
}

/* A cache still has the pointer. Others go through the quarantine until it is found out. */
PYMALLOC_EXPORT(use_after_free_write) void use_after_free_write(void) {
  Sum *cached = make_sum();
  drop_sum(cached);
  cached->count++;
  for (int i = 0; i < 1000; i++) PyMem_Free(PyMem_Malloc(1000));
}

PYMALLOC_EXPORT(double_free) void double_free(void) {
  Sum *sum = make_sum();
  drop_sum(sum);
  drop_sum(sum);
}

PYMALLOC_EXPORT(wrong_family) void wrong_family(void) {
  char *text = (char *)PyMem_Malloc(40);
  PyObject_Free(text);
}

/* Skips the key, and frees what is left. */
PYMALLOC_EXPORT(invalid_pointer) void invalid_pointer(void) {
  char *line = (char *)PyMem_Malloc(10);
  strcpy(line, "key=value");
  line = strchr(line, '=') + 1;
  PyMem_Free(line);
}
