/** python/frames.ts: the stack that is read from memory is the one that Python itself sees. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { EmscriptenProgram } from "../../hosts/emscripten.js";
import { formatPythonStack, PythonStackReader } from "../../python/frames.js";
import { AllocatorTable } from "../../python/python.js";
import { loadLooking } from "../support/looking.js";

const versions = await Promise.all(
  ["pyodide", "pyodide-029"].map(async (name) => ({ name, ...(await loadLooking(name)) })),
);

/** Pairs of code and the innermost frames that it has to show, for a reader of this file. */
const cases: Record<string, { code: string; stacks: string[][] }> = {
  "nested functions": {
    code: "def outer():\n  def inner():\n    x = 1\n    look()\n  inner()\n\nouter()",
    stacks: [["outer.<locals>.inner:4", "outer:5", "<module>:7"]],
  },
  "methods, and constructors that CPython calls without C": {
    code: `class Shop:
  def __init__(self, n):
    if n > 28: look()
  def sell(self):
    look()
  @property
  def price(self):
    look()
def build():
  for n in range(30):
    Shop(n)
build()
Shop(0).sell()
Shop(0).price`,
    stacks: [
      ["Shop.__init__:3", "build:11", "<module>:12"],
      ["Shop.sell:5", "<module>:13"],
      ["Shop.price:8", "<module>:14"],
    ],
  },
  "lambdas, comprehensions, generators and sorting": {
    code: `f = lambda: look()
f()
[look() for _ in range(1)]
def count():
  yield 1
  look()
  yield from (look() for _ in range(1))
list(count())
sorted([1], key=lambda n: look() or n)`,
    stacks: [
      ["<lambda>:1", "<module>:2"],
      ["<module>:3"],
      ["count:6", "<module>:8"],
      ["count.<locals>.<genexpr>:7", "count:7"],
      ["<lambda>:9", "<module>:9"],
    ],
  },
  "Python that C calls that Python calls": {
    code: `class Fall:
  def __init__(self, n):
    self.n = n
    if n > 0: next(map(Fall, [n - 1]))
    else: look()
Fall(20)`,
    stacks: [["Fall.__init__:5", "Fall.__init__:4", "Fall.__init__:4", "Fall.__init__:4"]],
  },
  "coroutines, before and after they have waited": {
    code: `import asyncio
async def deep():
  look()
  await asyncio.sleep(0)
  look()
async def wide():
  await asyncio.gather(deep())
await deep()
await wide()`,
    stacks: [["deep:3"], ["deep:5"], ["deep:3"], ["deep:5"]],
  },
  "expressions over several lines": {
    code: `def both(a, b):
  return a
both(
  1,
  both(
    look(),
    2
  ) or
  look(
    *[],
  ),
)
x = (1 +
  (look() or 1)
)`,
    stacks: [["<module>:6"], ["<module>:9"], ["<module>:14"]],
  },
  "handlers, with, class bodies, a decorator": {
    code: `class C:
  look()
  class D:
    def __enter__(self): look()
    def __exit__(self, *_): look()
def decorate(f):
  look()
  return f
@decorate
def f():
  try:
    1 / 0
  except ZeroDivisionError:
    look()
  finally:
    look()
with C.D():
  f()`,
    stacks: [
      ["C:2", "<module>:1"],
      ["decorate:7", "<module>:9"],
      ["C.D.__enter__:4", "<module>:17"],
      ["f:14", "<module>:18"],
      ["f:16", "<module>:18"],
      ["C.D.__exit__:5", "<module>:17"],
    ],
  },
  "names and files that are not ASCII": {
    code: `def größe(): look()
def 日本(): look()
def 𝒻𐐀(): größe(); 日本()
exec(compile("def f():\\n\\n  𐐀()\\nf()", "é.py", "exec"), {"𐐀": 𝒻𐐀})
exec(compile("look()", "日本 \\udc80.py", "exec"))
exec(compile("\\nlook()", "𐐀.py", "exec"))
class Text(str): pass
exec(compile("look()", "-", "exec").replace(co_filename=Text("of a subclass.py")))
exec(compile("look()", "-", "exec").replace(co_filename=Text("日本")))`,
    stacks: [
      ["größe:1", "f𐐀:3", "f:3", "<module>:4", "<module>:4"],
      ["日本:2", "f𐐀:3", "f:3", "<module>:4", "<module>:4"],
      ["<module>:1", "<module>:5"],
      ["<module>:2", "<module>:6"],
      ["<module>:1", "<module>:8"],
      ["<module>:1", "<module>:9"],
    ],
  },
  "a long function, with long gaps": {
    code: `body = "".join(f"  x = {n}{'\\n' * (n % 90)}\\n" for n in range(400))
source = f"def long():\\n{body}  look()\\n  if x: look()\\n\\n  for _ in '1': look()\\nlong()"
exec(compile(source, "long.py", "exec"))`,
    stacks: [["long:17202"], ["long:17203"], ["long:17205"]],
  },
  "lines that go back, are the first, or are none": {
    code: `import ast
def at(line, node):
  for child in ast.walk(node):
    if hasattr(child, "lineno"): child.lineno = child.end_lineno = line
  return node
tree = ast.parse("look();look();look();look()")
for statement, line in zip(tree.body, (70_000, 3, 1, 2)): at(line, statement)
exec(compile(tree, "jumps.py", "exec"))
none = compile("look()", "none.py", "exec")
units = len(none.co_code) // 2
table = b"".join(bytes([0xf8 | min(units - n, 8) - 1]) for n in range(0, units, 8))
exec(none.replace(co_linetable=b"\\x80\\x00" + table))
exec(none.replace(co_linetable=b""))`,
    stacks: [
      ["<module>:70000"],
      ["<module>:3"],
      ["<module>:1"],
      ["<module>:2"],
      ["<module>:0"],
      ["<module>:0"],
    ],
  },
};

/** (module (import "e" "f" (func (param i32 i32) (result i32))) (export "f" (func 0))) */
const ADAPTER = [
  [0, 97, 115, 109, 1, 0, 0, 0],
  [1, 7, 1, 96, 2, 127, 127, 1, 127],
  [2, 7, 1, 1, 101, 1, 102, 0, 0],
  [7, 5, 1, 1, 102, 0, 0],
].flat();

/** Runs code while each malloc of CPython's domain for objects asks `see` first. */
function allocating(program: EmscriptenProgram, see: (size: number) => void, run: () => void) {
  const allocators = new AllocatorTable(program);
  const record = allocators.get(2);
  const malloc = program.table.get(record.malloc) as (ctx: number, size: number) => number;
  const f = (ctx: number, size: number) => {
    see(size);
    return malloc(ctx, size);
  };
  const adapter = new WebAssembly.Module(new Uint8Array(ADAPTER));
  const index = program.table.grow(1);
  program.table.set(index, new WebAssembly.Instance(adapter, { e: { f } }).exports["f"]);
  allocators.set(2, { ...record, malloc: index });
  try {
    run();
  } finally {
    allocators.set(2, record);
  }
}

const ALLOCATES = `
import json
def f():
  cell = 1
  json.loads(json.dumps([{"a": n} for n in range(1000)]))
  "x" * 123_456
  def g():
    return "x" * (123_456 + cell)
  g()
f()
`;

for (const { name, pyodide, program, reader, seen, look } of versions) {
  describe(name, () => {
    for (const [title, { code, stacks }] of Object.entries(cases)) {
      test(title, async () => {
        const found = await look(code, 5);
        assert.deepEqual(
          found.map((stack, index) => stack.slice(0, stacks[index]?.length)),
          stacks,
        );
      });
    }

    test("file names", async () => {
      await look(cases["names and files that are not ASCII"]?.code ?? "", 1);
      const files = seen.map((frames) => frames[0]?.file);
      const own = ["looked.py", "looked.py"];
      assert.deepEqual(files, [...own, "日本 \udc80.py", "𐐀.py", "of a subclass.py", "日本"]);
    });

    test("a very long name is cut", () => {
      pyodide.globals.set("cut", () => {
        assert.deepEqual(
          reader.read(1).map(({ file }) => file),
          [`x${"yz".repeat(5000)}`.slice(0, 4096)],
        );
        seen.push([]);
      });
      seen.length = 0;
      pyodide.runPython("cut()", { filename: `x${"yz".repeat(5000)}` });
      assert.equal(seen.length, 1);
    });

    test("deep recursion, with limits", () => {
      const lengths: number[] = [];
      pyodide.globals.set("deep", () => {
        for (const limit of [0, -1, Number.NaN, 1, 8, 150, Number.POSITIVE_INFINITY]) {
          lengths.push(reader.read(limit).length);
        }
        lengths.push(reader.read().length);
        assert.deepEqual(reader.read(8), reader.read(150).slice(0, 8));
        const names = new Set(reader.read(150).map((frame) => `${frame.name}:${frame.line}`));
        assert.deepEqual([...names], ["fall:2", "fall:3"]);
      });
      pyodide.runPython("def fall(n):\n  if n == 0: deep()\n  else: fall(n - 1)\nfall(200)");
      const all = lengths[6] as number;
      assert.ok(all > 201 && all < 220, String(all));
      assert.deepEqual(lengths, [0, 0, 0, 1, 8, 150, all, 32]);
    });

    test("the memory has grown since", async () => {
      const before = program.memory.buffer.byteLength;
      assert.deepEqual(await look("kept = bytearray(100_000_000)\nlook()\ndel kept", 1), [
        ["<module>:2"],
      ]);
      assert.ok(program.memory.buffer.byteLength > before);
    });

    test("nothing runs", () => {
      assert.deepEqual(reader.read(), []);
      assert.deepEqual(new PythonStackReader(program).read(), []);
      assert.throws(() => pyodide.runPython("def f(): 1 / 0\nf()"));
      assert.deepEqual(reader.read(), []);
    });

    test("in the middle of an allocation", () => {
      const marked: string[] = [];
      const cells = new Set<string>();
      const see = (size: number) => {
        const frames = reader.read();
        if (size > 123_456 && size < 123_500) marked.push(formatPythonStack(frames.slice(0, 2)));
        if (frames[0]?.name === "f" && frames[0].line === 3) cells.add(formatPythonStack(frames));
      };
      allocating(program, see, () => {
        pyodide.runPython(ALLOCATES, { filename: "allocates.py" });
      });
      assert.deepEqual(marked, [
        '  File "allocates.py", line 6 in f\n  File "allocates.py", line 10 in <module>',
        '  File "allocates.py", line 8 in f.<locals>.g\n  File "allocates.py", line 9 in f',
      ]);
      const [cell = ""] = cells; // its function has not begun, and its instruction has no line
      assert.match(cell, /^ {2}File "allocates.py", line 3 in f\n.*, line 10 in <module>\n/);
    });
  });
}
