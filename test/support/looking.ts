/** Pyodides in which Python calls JavaScript, to compare what both see of the stack there. */
import assert from "node:assert/strict";
import { type PythonFrame, PythonStackReader } from "../../python/frames.js";
import { programOf } from "../../python/python.js";
import { load } from "./pyodide.js";

interface Globals {
  get(name: string): () => { toJs(): [string, number, string][] };
  set(name: string, value: unknown): void;
}

export interface Pyodide {
  readonly globals: Globals;
  runPython(code: string, options?: { filename: string }): unknown;
  runPythonAsync(code: string, options?: { filename: string }): Promise<unknown>;
}

/** The stack without the function that asks, which JavaScript calls where it reads the memory. */
const CHAIN = `
import sys
def chain():
    frame, frames = sys._getframe(1), []
    while frame:
        code = frame.f_code
        frames.append((code.co_filename, frame.f_lineno or 0, code.co_qualname))
        frame = frame.f_back
    return frames
`;

/** A Pyodide whose Python can call `look()`: it compares what both sides see there. */
export async function loadLooking(name: string) {
  const pyodide = (await load(name)) as unknown as Pyodide;
  const program = programOf(pyodide, "test");
  const reader = new PythonStackReader(program);
  const seen: PythonFrame[][] = [];
  pyodide.runPython(CHAIN);
  const chain = pyodide.globals.get("chain");
  pyodide.globals.set("look", () => {
    const frames = reader.read(200);
    const expected = chain().toJs();
    assert.deepEqual(
      frames,
      expected.map(([file, line, name]) => ({ file, line, name })),
    );
    for (const limit of [1, 2, 3, 5, 8]) {
      assert.deepEqual(reader.read(limit), frames.slice(0, limit));
    }
    assert.deepEqual(
      new PythonStackReader(program).read(200),
      frames,
      "with and without a reader that is kept",
    );
    seen.push(frames);
  });

  /** Runs code and gives the stacks that it looked at: the innermost frames, as "name:line". */
  async function look(code: string, depth: number): Promise<string[][]> {
    seen.length = 0;
    await pyodide.runPythonAsync(code, { filename: "looked.py" });
    return seen.map((frames) => frames.slice(0, depth).map(({ name, line }) => `${name}:${line}`));
  }
  return { pyodide, program, reader, seen, look };
}
