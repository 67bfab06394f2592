/** Mistakes that a C extension could make, made in Python: for a debug heap that is in its interpreter. */

/** CPython's own functions, for the mistakes. */
export const CTYPES = `
import ctypes
size = ctypes.c_size_t
def function(name, result, *arguments):
    found = getattr(ctypes.pythonapi, name)
    found.restype, found.argtypes = result, arguments
    return found
mem_malloc, mem_free = function("PyMem_Malloc", size, size), function("PyMem_Free", None, size)
raw_malloc, raw_free = function("PyMem_RawMalloc", size, size), function("PyMem_RawFree", None, size)
object_malloc, object_free = function("PyObject_Malloc", size, size), function("PyObject_Free", None, size)
object_realloc = function("PyObject_Realloc", size, size, size)
write = lambda at: ctypes.memset(at, 1, 1)
`;

/** Mistakes: their last line is where Python is when they are found, and how their reports begin. */
export const mistakes: Readonly<Record<string, readonly [code: string, report: RegExp]>> = {
  "buffer-overflow": [
    "p = mem_malloc(30); write(p + 31)\nmem_free(p)",
    /PyMem_Free\(0x\w+\): bad trailing pad byte; the bytes behind the block of 30 bytes at 0x\w+ \(family mem, made by call #\d+\) were overwritten, at offset 31\n/,
  ],
  "buffer-underflow": [
    "p = raw_malloc(3000); write(p - 2)\nraw_free(p)",
    /PyMem_RawFree\(0x\w+\): bad leading pad byte; the bytes in front of the block of 3000 bytes .*, at offset -2\n/,
  ],
  "use-after-free-write": [
    "p = object_malloc(40); object_free(p); write(p + 9)\nfor n in range(50_000): object_free(object_malloc(40))",
    /quarantine: the block of 40 bytes at 0x\w+ \(family object, .* was written to after it was freed, at offset 9\n/,
  ],
  "double-free": [
    "p = object_malloc(600); object_free(p)\nobject_free(p)",
    /PyObject_Free\(0x\w+\): the block of 600 bytes .* was freed before\n/,
  ],
  "wrong-family": [
    "p = mem_malloc(1)\nobject_realloc(p, 9)",
    /PyObject_Realloc\(0x\w+\): bad ID: Allocated using API 'm', verified using API 'o'; the block of 1 byte .* belongs to PyMem_Free\n/,
  ],
  "invalid-pointer": [
    "p = object_malloc(64)\nobject_free(p + 16)",
    /PyObject_Free\(0x\w+\): no block begins there; it points 16 bytes into the block of 64 bytes .*\n/,
  ],
  "without-gil": [
    "library = ctypes.CDLL(None)\nlibrary.PyMem_Malloc(24)",
    /PyMem_Malloc: Python memory allocator called without holding the GIL\n/,
  ],
};

/** A program that makes a mistake, in the last but one of its lines. */
export function programWith(code: string): string {
  return `${CTYPES}\ndef mistake():\n${code.replace(/^/gm, "    ")}\nmistake()`;
}
