/** The reporter: whatever the memory holds, it reads nothing outside and names something. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpBlock } from "../../src/debug/dump.js";
import { PyMemError } from "../../src/index.js";
import { numbers } from "../support/heaps.js";
import { debugHeap, debugModes, families, faultOf } from "../support/mistakes.js";

test("a dump of garbage reads nothing outside the memory", () => {
  const random = numbers(3);
  const bytes = Uint8Array.from({ length: 4096 }, () => random(256));
  // A memory in the middle of a buffer: what lies beside it must not be seen.
  const memory = bytes.subarray(1024, 3072);
  for (let p = 8; p <= memory.length; p++) {
    const family = families[random(3)] as "raw";
    const block = { start: p, size: random(5000), serial: random(9), family, state: random(6) };
    const dump = dumpBlock(memory, block);
    assert.match(dump, /^Debug memory block at address p=0x[0-9a-f]+: API '[rmo]'\n/);
    bytes.fill(random(256), 0, 1024);
    bytes.fill(random(256), 3072);
    assert.equal(dumpBlock(memory, block), dump);
  }
});

test("no damage and no pointer makes the reporter trap", () => {
  for (const malloc of debugModes) {
    for (let seed = 1; seed <= 60; seed++) {
      const random = numbers(seed);
      // All that is freed is held: what has left the quarantine is the malloc's own again.
      const heap = debugHeap({ malloc, quarantineBytes: 1 << 20 });
      const blocks: number[] = [];
      const ends: number[] = [];
      for (let i = 0; i < 60; i++) {
        const domain = heap[families[random(3)] as "raw"];
        const size = random(3) === 0 ? random(3000) : random(80);
        const p = domain.malloc(size);
        blocks.push(p);
        ends.push(p + size + 8);
        if (random(3) === 0) domain.free(p);
      }
      // Overwrites around and in blocks, the numbers in their frames included. (What lies behind a frame may be
      // the allocator's own: a pool whose header is overwritten is beyond help.)
      for (let i = 0; i < 40; i++) {
        const which = random(blocks.length);
        const p = blocks[which] as number;
        const end = Math.min(p + random(24), ends[which] as number);
        for (let at = p - 8; at < end; at++) heap.u8[at] = random(256);
      }
      for (let i = 0; i < 200; i++) {
        const near = (blocks[random(blocks.length)] as number) + random(64) - 32;
        const p = [near, random(heap.u8.length), random(2 ** 32), -random(2 ** 31)][random(4)];
        const domain = heap[families[random(3)] as "raw"];
        try {
          if (random(2) === 0) domain.free(p as number);
          else domain.realloc(p as number, random(100));
        } catch (error) {
          assert.ok(error instanceof PyMemError, `seed ${seed}: ${error}`);
          assert.ok(error.report().length > 60);
        }
      }
      try {
        heap.validate();
      } catch (error) {
        assert.ok(error instanceof PyMemError, `seed ${seed}: ${error}`);
      }
    }
  }
});

test("a block at the very end of the memory is reported like any other", () => {
  const memory = new WebAssembly.Memory({ initial: 2 });
  const end = memory.buffer.byteLength;
  let top = 1024;
  const malloc = (bytes: number) => {
    if (bytes === 40 + 16) return end - bytes;
    top += Math.ceil(bytes / 8) * 8;
    return top - Math.ceil(bytes / 8) * 8;
  };
  const realloc = (_p: number, bytes: number) => malloc(bytes);
  const calloc = (count: number, size: number) => malloc(count * size);
  const system = { malloc, calloc, realloc, free() {} };
  const heap = debugHeap({ malloc: "malloc_debug", memory, system });
  const p = heap.mem.malloc(40);
  assert.equal(p, end - 48);
  assert.equal(faultOf(() => heap.mem.free(end - 4)).kind, "invalid-pointer");
  heap.u8[p - 8] = 0x7f;
  const fault = faultOf(() => heap.mem.free(p));
  assert.deepEqual([fault.kind, fault.size], ["buffer-underflow", 40]);
  assert.match(fault.dump as string, /^ +40 bytes originally requested$/m);
  assert.match(fault.dump as string, /^ +The count of bytes in memory is damaged: 2130706472\.$/m);
  heap.u8[p - 8] = 0;
  heap.u8[end - 1] = 0xff;
  assert.equal(faultOf(() => heap.validate()).kind, "buffer-overflow");
});

test("objects live in the debug modes like any other memory", () => {
  for (const malloc of debugModes) {
    const heap = debugHeap({ malloc });
    const Point = heap.defineType({ name: "Point", fields: { x: "f64", y: "f64" } });
    const p = heap.newObject(Point);
    assert.equal(heap.u8[p - 4], "o".charCodeAt(0));
    Point.at(p).x = 1.5;
    heap.incref(p);
    heap.decref(p);
    heap.f64[(p + 24) / 8] = 2.5; // a third field, of two
    assert.equal(faultOf(() => heap.decref(p)).kind, "buffer-overflow");
    const q = heap.newObject(Point);
    assert.equal(faultOf(() => heap.mem.free(q)).kind, "wrong-family");
    heap.decref(q);
    assert.equal(faultOf(() => heap.object.free(q)).kind, "double-free");
  }
});
