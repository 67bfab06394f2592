"""A cache keeps the address of an entry that was evicted, and marks it as used."""

import ctypes

from capi import PyObject_Free, PyObject_Malloc

entry = PyObject_Malloc(24)
cache = {"entry": entry}
PyObject_Free(entry)
ctypes.c_int.from_address(cache["entry"] + 8).value = 1

for n in range(100_000):
    PyObject_Free(PyObject_Malloc(24))
