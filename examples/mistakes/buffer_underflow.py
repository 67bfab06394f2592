"""A line is stripped from its end, and an empty one has no end to begin at."""

import ctypes

from capi import PyMem_Free, PyMem_Malloc


def strip(line, length):
    while True:
        length -= 1
        ctypes.c_char.from_address(line + length).value = b"\0"
        if length <= 0:
            break


for text in (b"first\n", b""):
    line = PyMem_Malloc(len(text) + 1)
    ctypes.memmove(line, text, len(text) + 1)
    strip(line, len(text))
    PyMem_Free(line)
