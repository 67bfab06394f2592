"""A buffer of one family is freed with a function of the other."""

from capi import PyMem_Malloc, PyObject_Free

buffer = PyMem_Malloc(40)
PyObject_Free(buffer)
