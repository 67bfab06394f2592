/** Programs that take all the memory there is, each in another way, and what has to hold after each. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type InstalledPymalloc, install, PyMemError } from "../../python/install.js";
import { programOf } from "../../python/python.js";
import { loadLinked } from "./linked.js";
import { long, onlyLong } from "./profile.js";
import { load, type Pyodide, WORKLOAD } from "./pyodide.js";

/** So many times in the longer profile. All rows of all tests with 100 take half an hour. */
export const ROUNDS = Number(process.env["EXHAUSTION_ROUNDS"] ?? 2);

/**
 * Each keeps what it made in `kept` until nothing more is to be had. The containers are nested 900 deep at most: since 0.28 a stock
 * Pyodide overflows the engine's stack when a row of some thousand is freed, whatever its memory is.
 */
export const WAYS: Readonly<Record<string, string>> = {
  "small objects": "while True: kept.append((len(kept), 1.5 * len(kept)))",
  "one list": "while True: kept += [None] * 50_000",
  strings: "while True: kept.append(str(len(kept)) * 30)",
  bytearrays: "while True: kept.append(bytearray(100_000))",
  containers: `while True:
            chain = None
            for _ in range(300): chain = {"next": chain, "rest": [(chain,)]}
            kept.append(chain)`,
};

/** Handles the error while everything is still there: a traceback is printed into a text, and the error is raised again. */
const program = (way: string) => `
import io, traceback
def exhaust():
    kept = []
    try:
        ${way}
    except MemoryError:
        text = io.StringIO()
        traceback.print_exc(file=text)
        kept.append([text.getvalue() for _ in range(100)])
        raise
def run():
    try:
        exhaust()
    except MemoryError as error:
        return type(error).__name__
run()
`;

/** Something with a known answer. It needs no long blocks: what stays of each error may lie in the middle of a long hole. */
const PROOF = `
import json
total = 0
for part in range(100):
    rows = json.loads(json.dumps([{"n": n, "text": f"row {n}"} for n in range(200)]))
    total += sum(row["n"] + len(row["text"]) for row in rows)
total
`;

/** How many bytes are to be had in blocks of 8,000. */
const FREE = `
def free():
    kept = []
    try:
        while True: kept.append(bytearray(8_000))
    except MemoryError:
        return 8_000 * len(kept)
free()
`;

/** The longest that a memory may be which had so many bytes when it got its limit. */
export function mostBytes(limitBytes: number, before: number): number {
  return Math.max(before, Math.ceil(limitBytes / 65536) * 65536);
}

/**
 * Takes all memory in each way, so many times, and looks each time that nothing came to harm.
 *
 * @param share so much of the memory is to be had again, of 1: a debug mode keeps its notes on what was once in use
 */
export function exhaust(
  pyodide: Pyodide,
  heap: InstalledPymalloc,
  rounds: number,
  lookAt: () => void,
  share = 0.85,
): void {
  const free = pyodide.runPython(FREE) as number;
  let late = 0;
  /**
   * A MemoryError all the same, though nobody caught it: rarely CPython does without what it was refused, goes on, and uses up the
   * reserve before it raises the error.
   */
  function take(way: string): unknown {
    try {
      return pyodide.runPython(program(way));
    } catch (error) {
      late++;
      return (error as { readonly type?: string }).type;
    }
  }
  for (const [name, way] of Object.entries(WAYS)) {
    for (let round = 0; round < rounds; round++) {
      const what = `${name}, round ${round}`;
      assert.equal(take(way), "MemoryError", what);
      assert.doesNotThrow(() => heap.validate(), PyMemError, what);
      lookAt();
    }
    assert.equal(pyodide.runPython(PROOF), 2_119_000, name);
  }
  assert.ok(late <= 1 + rounds / 10, `${late} errors were not caught`);
  const left = pyodide.runPython(FREE) as number;
  assert.ok(left > share * free, `${left} of ${free} bytes are to be had again`);
}

/** An interpreter whose memory is taken. */
export interface Row {
  readonly malloc: "pymalloc" | "malloc" | "pymalloc_debug" | "malloc_debug";
  /** PYTHONMALLOC of a linked one; undefined for a stock one. */
  readonly linked?: string;
  readonly limit: number;
  readonly name: string;
  /** In the shorter profile as well, once. */
  readonly always?: "fresh" | "used";
}

function loadRow({ linked, name }: Row): Promise<Pyodide> {
  return linked === undefined ? load(name) : loadLinked(name, linked);
}

/** Tests that all memory is taken in each way, and that Python goes on each time. */
export function testExhaustion(row: Row): void {
  const { malloc, linked, limit, name } = row;
  const what = linked === undefined ? malloc : `linked, PYTHONMALLOC=${linked}`;
  const isDebug = malloc.endsWith("_debug");
  for (const state of ["fresh", "used"] as const) {
    test(`${name}, ${what}, ${state}: a MemoryError each time, and nothing is harmed`, {
      skip: row.always === state ? false : onlyLong,
    }, async () => {
      const pyodide = await loadRow(row);
      let told = 0;
      const onLimit = () => void told++;
      const options = linked === undefined || malloc === "malloc" ? { malloc } : {};
      const heap = install(pyodide, { ...options, onLimit });
      if (state === "used") pyodide.runPython(WORKLOAD);
      const program = programOf(pyodide, "test");
      const before = program.memory.buffer.byteLength;
      heap.setLimit(limit);
      // A debug mode takes ten times as long, and its shadows, which stay, leave ever shorter holes.
      const rounds = long ? (isDebug ? 2 : ROUNDS) : 1;
      const lookAt = () => {
        assert.ok(told > 0, "JavaScript is told");
        told = 0;
        assert.ok(program.break() <= limit);
        assert.ok(program.memory.buffer.byteLength <= mostBytes(limit, before));
      };
      exhaust(pyodide, heap, rounds, lookAt, isDebug ? 0.3 : 0.85);
    });
  }
}
