"""Two owners, one buffer: both of them free it."""

from capi import PyMem_Free, PyMem_Malloc


class View:
    def __init__(self, buffer):
        self.buffer = buffer

    def release(self):
        PyMem_Free(self.buffer)


buffer = PyMem_Malloc(64)
whole, part = View(buffer), View(buffer)
whole.release()
part.release()
