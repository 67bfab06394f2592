"""A function of C's is called without the GIL, and allocates Python's memory."""

import ctypes

from capi import PyMem_Free, size_t

library = ctypes.CDLL(None)  # lets go of the GIL for each call, as ctypes.pythonapi does not
library.PyMem_Malloc.restype = size_t
PyMem_Free(library.PyMem_Malloc(64))
