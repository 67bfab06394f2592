"""Arrays and buffers of C: array, bytearray, struct, ctypes, hashes, compressors, sqlite is left out."""

import array
import ctypes
import hashlib
import struct
import zlib

arrays = [array.array("d", range(n)) for n in range(0, 300, 3)]
arrays += [array.array("B", b"x" * 5000), array.array("I")]
views = [memoryview(one) for one in arrays[1:50]]
packers = [struct.Struct(f"<{n}i") for n in range(1, 30)]


class Vertex(ctypes.Structure):
    _fields_ = [("x", ctypes.c_float), ("y", ctypes.c_float), ("tag", ctypes.c_char_p)]


class Mesh(ctypes.Structure):
    _fields_ = [("count", ctypes.c_int), ("vertices", Vertex * 40)]


meshes = [Mesh(count=n) for n in range(20)]
for mesh in meshes:
    for vertex in mesh.vertices:
        vertex.tag = b"tag"
pointers = [ctypes.pointer(mesh) for mesh in meshes]
callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
hashes = [hashlib.sha256(bytes([n])) for n in range(50)]
compressors = [zlib.compressobj() for _ in range(5)]
for one in compressors:
    one.compress(b"text " * 100)
buffers = [bytearray(n * 37) for n in range(100)]
for buffer in buffers[::2]:
    buffer.extend(b"more")
for buffer in buffers[1::4]:
    buffer.clear()
