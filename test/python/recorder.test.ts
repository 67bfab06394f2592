/** Recording in a running interpreter: what is asked for is what is noted. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { programOf } from "../../python/python.js";
import { Books } from "../../trace/event-books.js";
import { Numbering } from "../../trace/numbering.js";
import { NOTES_AT_ONCE, startRecording } from "../../trace/recorder.js";
import { load, type Pyodide, VERSIONS, WORKLOAD } from "../support/pyodide.js";
import { type Event, eventsOf } from "../support/traces.js";

/** The events of what this does, which must be possible ones. */
function record(pyodide: Pyodide, work: () => void): { events: Event[]; books: Books } {
  const numbering = new Numbering();
  const books = new Books();
  const events: Event[] = [];
  const stop = startRecording(pyodide, (notes) => {
    const chunk = numbering.number(notes);
    books.add(chunk);
    for (const event of eventsOf(chunk)) events.push(event);
  });
  work();
  stop();
  return { events, books };
}

type Allocate = (...parameters: number[]) => number;

for (const version of VERSIONS) {
  describe(`in ${version}`, async () => {
    const pyodide = await load(version);
    const program = programOf(pyodide, "test");
    const api = (name: string) => program.require<Allocate>(name);
    const [malloc, calloc] = [api("PyMem_Malloc"), api("PyObject_Calloc")];
    const [realloc, free] = [api("PyMem_Realloc"), api("PyMem_Free")];
    const [objectMalloc, objectRealloc] = [api("PyObject_Malloc"), api("PyObject_Realloc")];
    const objectFree = api("PyObject_Free");

    test("both domains are noted, in order, by block", () => {
      const before = malloc(50);
      const moved = malloc(60);
      const huge = malloc(0x7fffffff);
      const { events } = record(pyodide, () => {
        const a = malloc(10_001);
        const b = calloc(7, 143);
        const c = realloc(a, 20_002);
        const d = objectMalloc(0);
        objectFree(b);
        assert.equal(malloc(0x7fffffff), 0, "beside the other there is no room, and no event");
        assert.equal(realloc(c, 0x7fffffff), 0);
        assert.equal(calloc(0x7fff, 0xffff), 0);
        free(0);
        free(before);
        const e = realloc(moved, 30_003);
        const f = objectRealloc(0, 40);
        const g = realloc(c, 0);
        free(e);
        objectFree(d);
        free(g);
        objectFree(f);
        const again = malloc(10_001);
        free(again);
      });
      free(huge);
      assert.deepEqual(events, [
        ["malloc", 0, 10_001],
        ["calloc", 1, 1001],
        ["realloc", 0, 20_002],
        ["malloc", 2, 0],
        ["free", 1],
        ["malloc", 3, 30_003],
        ["malloc", 4, 40],
        ["realloc", 0, 0],
        ["free", 3],
        ["free", 2],
        ["free", 0],
        ["free", 4],
        ["malloc", 5, 10_001],
        ["free", 5],
      ]);
    });

    test("the raw domain and plain malloc are not noted, and afterwards nothing is", () => {
      const { events } = record(pyodide, () => {
        api("PyMem_RawFree")(api("PyMem_RawMalloc")(77));
        program.malloc.free(program.malloc.malloc(88));
      });
      free(malloc(99));
      assert.deepEqual(events, []);
    });

    test("a Python program's own requests are found, and its books balance", () => {
      pyodide.runPython(WORKLOAD);
      const { events, books } = record(pyodide, () => {
        pyodide.runPython(`
kept = [bytes(100_000 + n * 1000) for n in range(5)]
workload()
del kept[1], kept[2]
`);
      });
      const { mallocs, callocs, reallocs, frees, peakLiveBlocks } = books.summary();
      assert.ok(events.length > 2 * NOTES_AT_ONCE, `${events.length} events`);
      assert.equal(mallocs + callocs + reallocs + frees, events.length);
      assert.ok(peakLiveBlocks > 10_000 && peakLiveBlocks < mallocs + callocs);
      // An object of type bytes has a header of 16 bytes and a NUL at the end.
      const sizes = [0, 1, 2, 3, 4].map((n) => 100_000 + n * 1000 + 17);
      const numbers = sizes.map((size) => {
        const found = events.filter(([op, , bytes]) => op !== "free" && bytes === size);
        assert.equal(found.length, 1, `${size} bytes`);
        return (found[0] as Event)[1];
      });
      assert.deepEqual(
        numbers,
        [...numbers].sort((a, b) => a - b),
      );
      const freed = new Set(events.filter(([op]) => op === "free").map(([, block]) => block));
      assert.deepEqual(
        numbers.map((block) => freed.has(block)),
        [false, true, false, true, false],
      );
      assert.equal(frees, freed.size);
    });

    test("what the sink throws does not cut through the interpreter: it comes at the end", () => {
      let calls = 0;
      const stop = startRecording(pyodide, () => {
        calls++;
        throw new RangeError("no room");
      });
      assert.equal(pyodide.runPython("len([str(n) for n in range(200_000)])"), 200_000);
      assert.throws(stop, /^RangeError: no room$/);
      assert.equal(calls, 1);
      assert.equal(pyodide.runPython("1 + 1"), 2);
    });
  });
}
