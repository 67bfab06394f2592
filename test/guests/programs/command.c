/* A command, as WASI runs them: says what it is asked to do, and makes the mistake that its argument names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pymalloc.h"

int main(int count, char **arguments) {
  const char *mistake = count > 1 ? arguments[1] : "none";
  char *text = malloc(15);
  strcpy(text, "Brian Kernigha");
  printf("%s: %s\n", mistake, text);
  fflush(stdout);
  if (strcmp(mistake, "buffer_overflow") == 0) strcpy(text, "Brian Kernighan");
  if (strcmp(mistake, "wrong_family") == 0) PyMem_Free(text);
  free(text);
  if (strcmp(mistake, "double_free") == 0) free(text);
  return 7;
}
