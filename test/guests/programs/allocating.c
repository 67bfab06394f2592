/* A guest that allocates, has data, and has a variable of its own. */
#include <stdlib.h>

static int count;

__attribute__((export_name("take"))) void *take(int n) {
  count++;
  return malloc((size_t)n);
}

__attribute__((export_name("give"))) void give(void *p) {
  count++;
  free(p);
}

__attribute__((export_name("calls"))) int calls(void) {
  return count;
}
