/** dlmalloc's state is found in static data by what it must say, and nothing else that adds up by chance. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { findState, rowsOf } from "../../hosts/hosts.js";

/** Where chunks begin, and where memory ends. */
const FROM = 0x1000;
const END = 0x3000;

/** The last chunk, as long as its own head says. */
const TOP = 0x2000;
const TOP_SIZE = END - TOP - 40;

/** Writes what dlmalloc's state says: its last chunk, and its only segment. */
function writeState(words: Uint32Array, at: number, top: number, size: number, base: number): void {
  words[(at >>> 2) + 3] = size;
  words[(at >>> 2) + 6] = top;
  words[(at >>> 2) + 112] = base;
  words[(at >>> 2) + 113] = top + size + 40 - base;
}

test("numbers that add up like a state are none where the chunk has another length", () => {
  const words = new Uint32Array(END / 4);
  words[(TOP + 4) / 4] = TOP_SIZE | 1;
  writeState(words, 0x600, TOP, TOP_SIZE, FROM);
  assert.equal(findState(words, FROM, END), 0x600);
  writeState(words, 0x100, FROM + 0x800, 0x200, FROM + 0x80);
  const state = findState(words, FROM, END);
  assert.equal(state, 0x600);
  assert.deepEqual(rowsOf(words, state, FROM, END), [{ from: FROM, to: END - 40, end: END }]);
});
