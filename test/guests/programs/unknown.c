/* Asks for a function that does not exist. */
#include "pymalloc.h"

PYMALLOC_IMPORT("PyMem_Frobnicate") void PyMem_Frobnicate(void);

PYMALLOC_EXPORT(run) void run(void) {
  PyMem_Frobnicate();
}
