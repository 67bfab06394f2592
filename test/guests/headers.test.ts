/** include/: the headers compile without a warning everywhere, and the switch finds what it is for. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, test } from "node:test";
import {
  compileText,
  include as includeFolder,
  newPath,
  python3,
  reasonToSkip,
} from "../support/guests.js";

const include = '#include "pymemcompat.h"\n';

/** What a CPython before 3.4 and one of 3.4 give, as far as pymemcompat.h sees it. */
function oldPython(version: string): string {
  const raw = `void *PyMem_RawMalloc(size_t); void *PyMem_RawRealloc(void *, size_t); void PyMem_RawFree(void *);`;
  return `#include <stddef.h>
#include <stdint.h>
#define Py_PYTHON_H
#define PY_VERSION_HEX ${version}
#define PY_SSIZE_T_MAX PTRDIFF_MAX
typedef ptrdiff_t Py_ssize_t;
typedef struct { Py_ssize_t ob_refcnt; void *ob_type; } PyObject;
void *PyMem_Malloc(size_t); void *PyMem_Realloc(void *, size_t); void PyMem_Free(void *);
void *PyObject_Malloc(size_t); void *PyObject_Realloc(void *, size_t); void PyObject_Free(void *);
${version === "0x03040000" ? raw : ""}
#define PyMem_New(T, n) ((T *)PyMem_Malloc((n) * sizeof(T)))
#define PyMem_MALLOC PyMem_Malloc
#define PyMem_REALLOC PyMem_Realloc
#define PyMem_FREE PyMem_Free
#define PyMem_DEL PyMem_Free
#define PyObject_Del PyObject_Free
`;
}

describe("the headers", { skip: reasonToSkip() }, () => {
  const pythonFlags = () =>
    execFileSync(`${python3}-config`, ["--includes"], { encoding: "utf8" }).trim().split(/\s+/);

  for (const typed of [[], ["-DPYMEMCOMPAT_TYPED"]]) {
    test(`they compile without a warning ${typed.join("")}`, () => {
      const python = `#define PY_SSIZE_T_CLEAN\n#include <Python.h>\n${include}`;
      const inPython = pythonFlags();
      const builds: [string, string[], string][] = [
        ...["c99", "c11", "gnu17"].flatMap((std): [string, string[], string][] => [
          ["clang", ["-x", "c", `-std=${std}`], include],
          ["clang", ["-x", "c", `-std=${std}`, ...inPython], python],
          ["clang", ["-x", "c", `-std=${std}`, "--target=wasm32-wasi"], include],
        ]),
        ["clang++", ["-x", "c++", "-std=c++17"], include],
        ["clang++", ["-x", "c++", "-std=c++17", ...inPython], python],
        ["clang", ["-x", "c++", "-std=c++17", "--target=wasm32-wasi"], include],
        ["clang", ["-x", "c", "--target=wasm32", "-ffreestanding"], include],
      ];
      for (const [compiler, args, text] of builds) {
        const result = compileText(compiler, ["-Werror", ...args, ...typed], text);
        assert.deepEqual(result, { status: 0, stderr: "" }, `${compiler} ${args.join(" ")}`);
      }
    });
  }

  test("an old CPython gets what it lacks, and old spellings stay what they are", () => {
    const use = `${include}
void *use(void) {
  PyMem_Free(PyMem_Calloc(2, 3));
  PyObject_Free(PyObject_Calloc(2, 3));
  PyMem_RawFree(PyMem_RawCalloc(2, 3));
  PyMem_DEL(PyMem_NEW(int, 3));
  return PyMem_RawRealloc(PyMem_RawMalloc(3), 5);
}
`;
    for (const version of ["0x02070000", "0x03030000", "0x03040000"]) {
      const result = compileText("clang", ["-x", "c", "-Werror"], oldPython(version) + use);
      assert.deepEqual(result, { status: 0, stderr: "" }, version);
    }
  });

  test("the calloc of an old CPython gives zeros, and NULL where the product overflows", () => {
    const program = `${oldPython("0x02070000")}${include}
#include <stdlib.h>
void *PyMem_Malloc(size_t n) { return memset(malloc(n + 1), 255, n + 1); }
void *PyObject_Malloc(size_t n) { return PyMem_Malloc(n); }
int main(void) {
  const char *zeros = PyMem_Calloc(50, 2), *objects = PyObject_Calloc(100, 1);
  for (int i = 0; i < 100; i++) if (zeros[i] != 0 || objects[i] != 0) return 1;
  if (zeros[100] == 0) return 2;
  if (PyMem_Calloc(PY_SSIZE_T_MAX / 2, 3) != NULL || PyObject_Calloc(3, PY_SSIZE_T_MAX / 2) != NULL) return 3;
  if (PyMem_RawCalloc((size_t)-1, 1) != NULL || PyMem_RawMalloc((size_t)-1) != NULL) return 4;
  return PyObject_Calloc(0, 5) == NULL || PyMem_Calloc(5, 0) == NULL ? 5 : 0;
}
`;
    const output = newPath("");
    execFileSync("clang", ["-x", "c", `-I${includeFolder}`, "-", "-o", output], { input: program });
    execFileSync(output); // throws on another status than 0
  });

  const good = `${include}
void use(void) {
  PyMem_Block *buffer = PyMem_Realloc(PyMem_Calloc(1, 10), 20);
  PyObject_Block *object = PyObject_Realloc(PyObject_Malloc(10), 20);
  char *text = PyMem_New(char, 10);
  ((char *)buffer)[0] = 'a';
  PyMem_Resize(text, char, 30);
  PyMem_Del(text);
  PyMem_DEL(PyMem_NEW(int, 3));
  PyMem_Free(buffer);
  PyObject_Free(object);
}
typedef struct { PyObject_HEAD int n; } Thing;
extern PyTypeObject Thing_Type;
void use_object(void) {
  Thing *thing = PyObject_New(Thing, &Thing_Type);
  PyObject_Del(thing);
  PyObject_DEL((PyObject *)PyObject_New(Thing, &Thing_Type));
}
`;
  const mistakes = {
    "a buffer freed as an object": "void f(PyMem_Block *p) { PyObject_Free(p); }",
    "an object's memory freed as a buffer": "void f(PyObject_Block *p) { PyMem_Free(p); }",
    "a buffer resized as an object": "void *f(PyMem_Block *p) { return PyObject_Realloc(p, 5); }",
    "an object's memory kept as a buffer": "PyMem_Block *f(void) { return PyObject_Malloc(5); }",
    "an object freed as a buffer": "void f(PyObject *p) { PyMem_Free(p); }",
    "a buffer deleted as an object": "void f(PyMem_Block *p) { PyObject_Del(p); }",
    "a buffer deleted as an object, by the old name": "void f(PyMem_Block *p) { PyObject_DEL(p); }",
  };
  const python = "#include <Python.h>\n";
  const modes: [string, string, () => string[]][] = [
    ["a guest", "", () => ["--target=wasm32-wasi"]],
    ["CPython", python, pythonFlags],
    ["plain malloc", "", () => []],
  ];

  for (const [mode, before, flags] of modes) {
    test(`PYMEMCOMPAT_TYPED warns of each mix-up, and only then (${mode})`, () => {
      const args = ["-x", "c", "-std=c11", ...flags()];
      const typed = ["-DPYMEMCOMPAT_TYPED", ...args];
      for (const all of [args, typed]) {
        assert.deepEqual(compileText("clang", all, before + good), { status: 0, stderr: "" });
      }
      for (const [name, text] of Object.entries(mistakes)) {
        const source = `${before}${include}${text}\n`;
        assert.equal(compileText("clang", args, source).stderr, "", `${name}, without the switch`);
        const { status, stderr } = compileText("clang", typed, source);
        assert.equal(status, 0, `${name} is a warning`);
        assert.match(stderr, /warning: incompatible pointer types/, name);
      }
    });
  }
});
