/** What is tested of the blocks of a CPython that pymalloc was linked into: where they are, and what is in them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { install } from "../../python/install.js";
import { programOf } from "../../python/python.js";
import { numbers } from "./heaps.js";
import { setupDebugHooks } from "./link-suite.js";
import { loadLinked } from "./linked.js";
import { skipUnlessNewest } from "./profile.js";

export function testBlocks(name: string): void {
  const skip = skipUnlessNewest(name);

  test(`${name}: started, no class above 256 bytes has pools; once it has grown, small blocks all come from pools`, {
    skip,
  }, async () => {
    const pyodide = await loadLinked(name);
    const program = programOf(pyodide, "test");
    const malloc = program.require<(bytes: number) => number>("PyObject_Malloc");
    const free = program.require<(block: number) => void>("PyObject_Free");
    const heap = install(pyodide);
    const { classes } = heap.stats();
    assert.ok(classes.every(({ size, pools }) => size <= 256 || pools === 0));
    const grown = Array.from({ length: 200_000 }, () => malloc(48));
    const later = Array.from({ length: 5000 }, (_, i) => malloc(1 + (i % 512)));
    assert.ok(later.every((block) => heap.isPymallocAddress(block)));
    heap.validate();
    for (const block of [...grown, ...later]) free(block);
    heap.validate();
  });

  test(`${name}: a large block waits for the next request, should that be for as much`, {
    skip,
  }, async () => {
    const pyodide = await loadLinked(name);
    const program = programOf(pyodide, "test");
    const malloc = program.require<(bytes: number) => number>("PyMem_Malloc");
    const free = program.require<(p: number) => void>("PyMem_Free");
    const p = malloc(1069);
    // The bytes in use (uordblks), as the system malloc counts them.
    const mallinfo = program.require<(info: number) => void>("mallinfo");
    const info = program.malloc.malloc(40);
    const inUse = () => {
      mallinfo(info);
      return new Uint32Array(program.memory.buffer, info, 10)[7] as number;
    };
    const before = inUse();
    free(p);
    assert.equal(inUse(), before, "it is not the system malloc's yet");
    assert.equal(malloc(1069), p);
    free(p);
    for (const bytes of [1080, 40_000]) {
      free(malloc(bytes));
      free(malloc(3000));
      assert.ok(inUse() < before - 1069, "any other request gives it back first");
    }

    const takeAway = setupDebugHooks(program);
    const hooked = malloc(1069);
    // Behind it and what mem's debug hooks write there, the raw domain's have their own word.
    const word = hooked + 1069 + 4;
    const bytes = new Uint8Array(program.memory.buffer, word, 4);
    assert.deepEqual([...bytes], [0xfd, 0xfd, 0xfd, 0xfd]);
    free(hooked);
    assert.deepEqual([...bytes], [0xdd, 0xdd, 0xdd, 0xdd], "they see it come back");
    takeAway();
  });

  test(`${name}: large blocks keep their content, whichever way they come and go`, {
    skip,
  }, async () => {
    const pyodide = await loadLinked(name);
    const program = programOf(pyodide, "test");
    type Call = (...parameters: number[]) => number;
    const families = ["PyMem_", "PyObject_", "PyMem_Raw"].map((family) => ({
      malloc: program.require<Call>(`${family}Malloc`),
      calloc: program.require<Call>(`${family}Calloc`),
      realloc: program.require<Call>(`${family}Realloc`),
      free: program.require<Call>(`${family}Free`),
    }));
    const sizes = [1069, 1069, 1069, 1070, 1200, 513, 2048, 2049, 3000, 40_000, 48];
    const number = numbers(5);
    const live: { p: number; size: number; family: (typeof families)[0]; mark: number }[] = [];
    const mark = ({ p, size, mark }: (typeof live)[0]) =>
      new Uint8Array(program.memory.buffer, p, size).fill(mark);
    for (let step = 0; step < 30_000; step++) {
      if (live.length > 0 && (number(2) === 0 || live.length > 30)) {
        const [block] = live.splice(number(live.length), 1) as typeof live;
        assert.ok(block !== undefined);
        const content = new Uint8Array(program.memory.buffer, block.p, block.size);
        assert.ok(content.every((byte) => byte === block.mark));
        block.family.free(block.p);
      } else if (live.length > 0 && number(6) === 0) {
        const block = live[number(live.length)] as (typeof live)[0];
        const size = sizes[number(sizes.length)] as number;
        block.p = block.family.realloc(block.p, size);
        const kept = new Uint8Array(program.memory.buffer, block.p, Math.min(size, block.size));
        assert.ok(kept.every((byte) => byte === block.mark));
        block.size = size;
        mark(block);
      } else {
        const family = families[number(3)] as (typeof families)[0];
        const size = sizes[number(sizes.length)] as number;
        const zeros = number(4) === 0;
        const p = zeros ? family.calloc(1, size) : family.malloc(size);
        const content = new Uint8Array(program.memory.buffer, p, size);
        assert.ok(!zeros || content.every((byte) => byte === 0));
        const block = { p, size, family, mark: 1 + number(255) };
        mark(block);
        live.push(block);
      }
    }
    for (const { p, family } of live) family.free(p);
    install(pyodide).validate();
  });
}
