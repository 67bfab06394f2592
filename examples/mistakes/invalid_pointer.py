"""A reader frees the place that it has read up to, not the buffer that it began with."""

import ctypes

from capi import PyMem_Free, PyMem_Malloc

text = b"key=value"
buffer = PyMem_Malloc(len(text))
ctypes.memmove(buffer, text, len(text))
while ctypes.string_at(buffer, 1) != b"=":
    buffer += 1
PyMem_Free(buffer)
