"""A name is copied with its closing zero, for which there is no room."""

import ctypes

from capi import PyMem_Free, PyMem_Malloc

name = b"Brian Kernighan"
copy = PyMem_Malloc(len(name))
ctypes.memmove(copy, name, len(name) + 1)
print(ctypes.string_at(copy).decode())
PyMem_Free(copy)
