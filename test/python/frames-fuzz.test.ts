/** python/frames.ts in damaged memories: it never throws, ends soon, and gives frames or nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EmscriptenProgram } from "../../hosts/emscripten.js";
import { formatPythonStack, type PythonFrame, PythonStackReader } from "../../python/frames.js";
import { loadLooking } from "../support/looking.js";

const PROGRAM = `
class Größe:
  def __init__(self, n):
    if n == 0: exec(compile("\\nlast()", "𐐀.py", "exec"), {"last": last})
    else: Größe(n - 1)
def count():
  yield Größe(9)
def last():
  take(id(last.__code__.co_filename), id(last.__code__.co_linetable))
[list(count()) for _ in range(1)]
`;

/** A program whose memory is a copy, taken while PROGRAM runs; and where two of its objects lie. */
async function copyOf(name: string): Promise<EmscriptenProgram & { objects: number[] }> {
  const { pyodide, program } = await loadLooking(name);
  const memory = new WebAssembly.Memory({ initial: program.memory.buffer.byteLength / 65536 });
  let objects: number[] = [];
  pyodide.globals.set("take", (fileName: number, lineTable: number) => {
    objects = [fileName, lineTable];
    new Uint8Array(memory.buffer).set(new Uint8Array(program.memory.buffer));
  });
  pyodide.runPython(PROGRAM, { filename: "日本.py" });
  return { ...program, memory, objects };
}

/** The words that a result depends on: the halves of the memory that change it, and theirs. */
function wordsThatMatter(program: EmscriptenProgram): number[] {
  const words = new Uint32Array(program.memory.buffer);
  const expected = JSON.stringify(new PythonStackReader(program).read());
  const found: number[] = [];
  const search = (start: number, end: number): void => {
    const kept = words.slice(start, end);
    words.fill(0xffffffff, start, end);
    const matters = JSON.stringify(new PythonStackReader(program).read()) !== expected;
    words.set(kept, start);
    if (!matters) return;
    if (end - start === 1) found.push(start);
    else {
      const middle = (start + end) >>> 1;
      search(start, middle);
      search(middle, end);
    }
  };
  search(0, words.length);
  return found;
}

/** Numbers below a bound, the same in every run (Lehmer's generator). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48271) % 0x7fffffff;
    return state % below;
  };
}

function checked(frames: PythonFrame[]): PythonFrame[] {
  assert.ok(frames.length <= 32);
  for (const { file, line, name } of frames) {
    assert.ok(file.length <= 8192 && name.length <= 8192 && Number.isInteger(line));
  }
  return frames;
}

for (const name of ["pyodide", "pyodide-029"]) {
  const program = await copyOf(name); // each test puts back what it damages
  test(`${name}: whatever is damaged, there is an answer, and soon`, () => {
    const whole = JSON.stringify(new PythonStackReader(program).read());
    assert.match(whole, /"日本.py","line":5,"name":"Größe.__init__"/);
    const words = new Uint32Array(program.memory.buffer);
    const places = wordsThatMatter(program);
    assert.ok(places.length > 150, `${places.length} words matter`);

    const next = numbers(20_250_714);
    const place = () => places[next(places.length)] as number;
    const values = [
      () => next(0x7fffffff) * 2 + next(2),
      () => next(words.length) * 4,
      () => place() * 4, // rings
      () => words.length * 4 - next(64), // the memory's end
      () => 0xffffffff - next(64),
      () => words[place()] as number,
      () => next(256),
    ];
    let [changed, longest] = [0, 0];
    for (let round = 0; round < 8_000; round++) {
      const damaged = Array.from({ length: 1 + next(3) }, place);
      const kept = damaged.map((word) => words[word] as number);
      for (const word of damaged) {
        const value = (values[next(values.length)] as () => number)();
        const shift = 8 * next(4);
        words[word] = next(2) === 0 ? value : (words[word] as number) ^ ((value & 255) << shift);
      }
      const start = performance.now();
      const frames = checked(new PythonStackReader(program).read());
      longest = Math.max(longest, performance.now() - start);
      if (JSON.stringify(frames) !== whole) changed++;
      for (const [at, word] of [...damaged.entries()].reverse()) words[word] = kept[at] as number;
    }
    assert.equal(
      JSON.stringify(new PythonStackReader(program).read()),
      whole,
      "the damage is undone",
    );
    assert.ok(changed > 6_000, `${changed} damages had an effect`);
    assert.ok(longest < 500, `${longest} ms`);
  });

  test(`${name}: a damage changes a frame or ends the list, and never skips one`, () => {
    const reader = new PythonStackReader(program);
    const whole = new PythonStackReader(program).read();
    const words = new Uint32Array(program.memory.buffer);
    const runtime = (program.addressOf("_PyRuntime") as number) / 4;
    let [shorter, replaced] = [0, 0];
    for (const place of wordsThatMatter(program)) {
      if (place >= runtime && place < runtime + 200) continue; // the reader has read these
      const kept = words[place] as number;
      for (const value of [0xffffffff, kept ^ 0x01010101]) {
        words[place] = value;
        const frames = checked(new PythonStackReader(program).read());
        assert.deepEqual(reader.read(), frames, "a reader remembers nothing that is not so");
        if (value === 0xffffffff) {
          const texts = frames.flatMap(({ file, name }) => [file, name]);
          assert.ok(Math.max(0, ...texts.map((text) => text.length)) < 100, "no such length");
        }
        if (frames.length < whole.length) {
          assert.deepEqual(frames, whole.slice(0, frames.length));
          shorter++;
        }
        if (frames.some(({ file }) => file.includes("\ufffd"))) replaced++;
      }
      words[place] = kept;
    }
    assert.ok(shorter > 100 && replaced > 0, `${shorter} ${replaced}`);

    assert.equal(whole[0]?.name, "last");
    for (const object of program.objects) {
      const type = object / 4 + 1;
      const kept = words[type] as number;
      words[type] = words[type + 1] as number;
      assert.deepEqual(
        new PythonStackReader(program).read(),
        [],
        "not every object is a text, or bytes",
      );
      words[type] = kept;
    }
  });

  test(`${name}: an interpreter that is not known, or is none`, () => {
    const { memory } = program;
    const runtime = program.addressOf("_PyRuntime") as number;
    const words = new Uint32Array(memory.buffer, runtime, 12);
    const version = words[2] as number;
    assert.ok(new PythonStackReader(program).read().length > 10);
    for (const other of [0, 0x030c00f0, 0x030f00f0, version - 0x40, version + 0x020000]) {
      words[2] = other;
      assert.deepEqual(new PythonStackReader(program).read(), [], other.toString(16));
    }
    words[2] = version + 0x0300; // a later one of the same line
    assert.ok(new PythonStackReader(program).read().length > 10);
    words[4] = 1; // free-threaded
    assert.deepEqual(new PythonStackReader(program).read(), []);
    words[4] = 0;
    words[11] = 1; // an offset of 4 GiB
    assert.deepEqual(new PythonStackReader(program).read(), []);
    words[11] = 0;
    words[2] = version;

    for (const missing of ["_PyRuntime", "PyCode_Type"]) {
      const addressOf = (symbol: string) =>
        symbol === missing ? undefined : program.addressOf(symbol);
      assert.deepEqual(new PythonStackReader({ ...program, addressOf }).read(), [], missing);
    }
    for (const address of [0, 1, runtime + 1, runtime + 4, memory.buffer.byteLength - 4, 2 ** 32]) {
      const addressOf = (symbol: string) =>
        symbol === "_PyRuntime" ? address : program.addressOf(symbol);
      assert.deepEqual(
        new PythonStackReader({ ...program, addressOf }).read(),
        [],
        String(address),
      );
    }
    const small = new WebAssembly.Memory({ initial: 0 });
    assert.deepEqual(new PythonStackReader({ ...program, memory: small }).read(), []);
  });
}

test("a stack is printed as faulthandler does", () => {
  assert.equal(formatPythonStack([]), "");
  assert.equal(
    formatPythonStack([
      { file: "x.py", line: 3, name: "f" },
      { file: "é.py", line: 0, name: "<module>" },
    ]),
    '  File "x.py", line 3 in f\n  File "é.py", line ??? in <module>',
  );
});
