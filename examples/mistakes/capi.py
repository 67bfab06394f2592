"""CPython's allocation functions, as an extension module would call them."""

import ctypes

size_t = ctypes.c_size_t


def function(name, result, *arguments):
    found = getattr(ctypes.pythonapi, name)
    found.restype = result
    found.argtypes = arguments
    return found


PyMem_Malloc = function("PyMem_Malloc", size_t, size_t)
PyMem_Realloc = function("PyMem_Realloc", size_t, size_t, size_t)
PyMem_Free = function("PyMem_Free", None, size_t)
PyObject_Malloc = function("PyObject_Malloc", size_t, size_t)
PyObject_Free = function("PyObject_Free", None, size_t)
