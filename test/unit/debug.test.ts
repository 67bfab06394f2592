/** The debug modes: what a block looks like, and what is checked. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { poolOf } from "../support/heaps.js";
import {
  changed,
  debugHeap,
  debugModes,
  families,
  faultOf,
  prefixes,
  serialOf,
  snapshot,
} from "../support/mistakes.js";

const letters = { raw: "r", mem: "m", object: "o" } as const;

for (const malloc of debugModes) {
  test(`${malloc}: a block has its size, its family and pads in front, pads and a serial number behind`, () => {
    const heap = debugHeap({ malloc });
    for (const family of families) {
      for (const size of [0, 1, 7, 8, 16, 100, 496, 497, 512, 5000]) {
        const before = serialOf(heap);
        const p = heap[family].malloc(size);
        assert.equal(p % 8, 0);
        const serial = serialOf(heap);
        // A large block of the pools' families is a block of the raw domain's, pads and all.
        const nested = malloc === "pymalloc_debug" && family !== "raw" && size + 16 > 512;
        assert.equal(serial, before + (nested ? 2 : 1));
        const view = new DataView(heap.memory.buffer);
        assert.equal(view.getUint32(p - 8), size, "the size, big-endian");
        assert.equal(heap.u8[p - 4], letters[family].charCodeAt(0));
        assert.deepEqual([...heap.u8.subarray(p - 3, p)], [0xfd, 0xfd, 0xfd]);
        assert.ok(heap.u8.subarray(p, p + size).every((byte) => byte === 0xcd));
        const rear = [...heap.u8.subarray(p + size, p + size + 4)];
        assert.deepEqual(rear, [0xfd, 0xfd, 0xfd, 0xfd]);
        assert.equal(view.getUint32(p + size + 4), serial, "the serial number, big-endian");
        if (nested) {
          const outer = p - 8;
          assert.equal(view.getUint32(outer - 8), size + 16);
          assert.equal(heap.u8[outer - 4], "r".charCodeAt(0));
          assert.equal(view.getUint32(outer + size + 16 + 4), serial - 1);
        }
        heap[family].free(p);
        assert.ok(heap.u8.subarray(p, p + size).every((byte) => byte === 0xdd));
      }
    }
    heap.validate();
    assert.equal(heap.getAllocatedBlocks(), 0);
  });

  test(`${malloc}: calloc's bytes are 0, also where the memory was used before`, () => {
    const heap = debugHeap({ malloc, quarantineBytes: 0 });
    for (const family of families) {
      for (const size of [1, 24, 100, 600, 5000]) {
        heap[family].free(heap[family].malloc(size));
        const p = heap[family].calloc(size, 1);
        assert.ok(heap.u8.subarray(p, p + size).every((byte) => byte === 0));
        heap[family].free(p);
      }
    }
    heap.validate();
  });

  test(`${malloc}: realloc moves the block, keeps its content and marks the old one dead`, () => {
    const heap = debugHeap({ malloc });
    for (const family of families) {
      for (const [from, to] of [
        [16, 16],
        [16, 17],
        [100, 40],
        [100, 0],
        [500, 600],
        [600, 20],
        [0, 10],
      ] as const) {
        const { malloc: take, realloc, free } = heap[family];
        const p = take(from);
        for (let i = 0; i < from; i++) heap.u8[p + i] = i;
        const q = realloc(p, to);
        assert.notEqual(q, p);
        const kept = Math.min(from, to);
        for (let i = 0; i < kept; i++) assert.equal(heap.u8[q + i], i & 0xff);
        const grown = heap.u8.subarray(q + kept, q + to);
        assert.ok(grown.every((byte) => byte === 0xcd));
        assert.ok(heap.u8.subarray(p, p + from).every((byte) => byte === 0xdd));
        assert.equal(faultOf(() => free(p)).kind, "double-free");
        free(q);
      }
    }
    heap.validate();
  });

  test(`${malloc}: zero sizes, too large sizes and NULL behave as without it`, () => {
    const heap = debugHeap({ malloc });
    for (const family of families) {
      const { malloc: take, calloc, realloc, free } = heap[family];
      const zeros = [take(0), calloc(0, 8), calloc(8, 0), realloc(0, 0)];
      assert.equal(new Set(zeros).size, 4);
      assert.ok(zeros.every((p) => p !== 0));
      assert.equal(take(0x7fffffff - 15), 0);
      assert.equal(take(-1), 0);
      assert.equal(calloc(0x10000, 0x10000), 0);
      assert.equal(calloc(0x7ffffff0, 1), 0);
      assert.equal(realloc(zeros[0] as number, 0x7ffffff0), 0);
      for (const p of zeros) free(p);
      free(0);
    }
    heap.validate();
    assert.equal(heap.getAllocatedBlocks(), 0);
  });
}

test("the dump is CPython's, to the byte", () => {
  const heap = debugHeap();
  for (let i = 0; i < 1233; i++) heap.mem.free(heap.mem.malloc(8));
  const p = heap.mem.malloc(16);
  heap.u8[p + 16] = 0x78;
  const at = p.toString(16);
  const tail = (p + 16).toString(16);
  assert.equal(
    faultOf(() => heap.mem.free(p)).dump,
    [
      `Debug memory block at address p=0x${at}: API 'm'`,
      "    16 bytes originally requested",
      "    The 3 pad bytes at p-3 are FORBIDDENBYTE, as expected.",
      `    The 4 pad bytes at tail=0x${tail} are not all FORBIDDENBYTE (0xfd):`,
      "        at tail+0: 0x78 *** OUCH",
      "        at tail+1: 0xfd",
      "        at tail+2: 0xfd",
      "        at tail+3: 0xfd",
      "    The block was made by call #1234 to debug malloc/realloc.",
      "    Data at p: cd cd cd cd cd cd cd cd cd cd cd cd cd cd cd cd",
      "",
    ].join("\n"),
  );
});

test("the dump of a damaged front says that its numbers may be wrong", () => {
  const heap = debugHeap();
  const p = heap.object.malloc(100);
  heap.u8[p - 1] = 0;
  const dump = faultOf(() => heap.object.free(p)).dump as string;
  assert.match(dump, /The 3 pad bytes at p-3 are not all FORBIDDENBYTE \(0xfd\):\n/);
  assert.match(dump, /at p-3: 0xfd\n {8}at p-2: 0xfd\n {8}at p-1: 0x00 \*\*\* OUCH\n/);
  assert.match(dump, /the count of bytes requested\n {7}may be bogus, and checking the trailing/);
  assert.match(dump, /Data at p: cd cd cd cd cd cd cd cd \.\.\. cd cd cd cd cd cd cd cd\n$/);
});

test("each mistake is named, with the block and the call", () => {
  for (const malloc of debugModes) {
    for (const family of families) {
      for (const verb of ["Free", "Realloc"] as const) {
        const heap = debugHeap({ malloc });
        const { malloc: take, realloc, free } = heap[family];
        const call = (p: number, of = { realloc, free }) =>
          faultOf(() => (verb === "Free" ? of.free(p) : of.realloc(p, 10)));
        take(3);
        const size = 40;
        const p = take(size);
        const serial = serialOf(heap);
        const block = { address: p, block: p, size, family, serial };
        const common = { ...block, calledFamily: family, call: `${prefixes[family]}${verb}` };

        const saved = heap.u8.slice(p - 8, p + size + 8);
        const damages = [
          ...[0, 1, 2, 3, 4, 5, 6, 7].map((at) => [size + at, "buffer-overflow"] as const),
          ...[-1, -2, -3, -4, -5, -6, -7, -8].map((at) => [at, "buffer-underflow"] as const),
        ];
        for (const [offset, kind] of damages) {
          heap.u8[p + offset] = changed(heap, p + offset);
          const fault = call(p) as unknown as Record<string, unknown>;
          for (const [key, value] of Object.entries({ kind, ...common })) {
            assert.equal(fault[key], value, `${key} of a write at offset ${offset}`);
          }
          heap.u8.set(saved, p - 8);
        }

        for (const other of families) {
          if (other === family) continue;
          const fault = call(p, heap[other]);
          assert.deepEqual(
            [fault.kind, fault.family, fault.calledFamily, fault.call, fault.serial],
            ["wrong-family", family, other, `${prefixes[other]}${verb}`, serial],
          );
          const api = `Allocated using API '${letters[family]}', verified using API '${letters[other]}'`;
          assert.ok(fault.message.includes(`bad ID: ${api}`), fault.message);
        }

        for (const offset of [-8, -1, 1, 8, size - 1, size, size + 7]) {
          const fault = call(p + offset);
          assert.deepEqual(
            [fault.kind, fault.address, fault.block, fault.size, fault.family, fault.serial],
            ["invalid-pointer", p + offset, p, size, family, serial],
          );
        }

        free(p);
        const twice = call(p);
        assert.deepEqual(
          [twice.kind, twice.address, twice.size, twice.family, twice.serial, twice.call],
          ["double-free", p, size, family, serial, common.call],
        );
        heap.u8[p + 39] = 0;
        const written = faultOf(() => heap.validate());
        assert.deepEqual(
          [written.kind, written.address, written.size, written.family, written.serial],
          ["use-after-free-write", p, size, family, serial],
        );
        assert.equal(written.call, "validate");
        assert.match(written.message, /after it was freed, at offset 39/);
        assert.match(written.dump as string, /dd dd dd dd dd dd dd 00\n$/);
      }
    }
  }
});

test("the checks are made in CPython's order: the family, the front, the rear", () => {
  const heap = debugHeap();
  const p = heap.mem.malloc(10);
  heap.u8[p + 10] = 0;
  assert.equal(faultOf(() => heap.mem.free(p)).kind, "buffer-overflow");
  heap.u8[p - 1] = 0;
  assert.equal(faultOf(() => heap.mem.free(p)).kind, "buffer-underflow");
  assert.equal(faultOf(() => heap.object.free(p)).kind, "wrong-family");
});

test("a fault that is thrown has changed nothing", () => {
  for (const malloc of debugModes) {
    const heap = debugHeap({ malloc });
    const blocks = families.flatMap((family) =>
      [8, 100, 700].map((size) => ({ family, size, p: heap[family].malloc(size) })),
    );
    const held = heap.mem.malloc(50);
    heap.mem.free(held);
    const unchanged = (call: () => unknown) => {
      const before = snapshot(heap);
      faultOf(call);
      assert.deepEqual(Buffer.compare(before, snapshot(heap)), 0);
    };
    for (const { family, size, p } of blocks) {
      const { realloc, free } = heap[family];
      for (const offset of [-1, size]) {
        const saved = heap.u8[p + offset] as number;
        heap.u8[p + offset] = changed(heap, p + offset);
        unchanged(() => free(p));
        unchanged(() => realloc(p, 5000));
        unchanged(() => heap.validate());
        heap.u8[p + offset] = saved;
      }
      unchanged(() => heap[family === "raw" ? "mem" : "raw"].free(p));
      unchanged(() => free(p + 4));
    }
    unchanged(() => heap.mem.free(held));
    heap.validate();
    for (const { family, p } of blocks) heap[family].free(p);
    heap.validate();
    assert.equal(heap.getAllocatedBlocks(), 0);
  }
});

test("pointers that are no addresses are told by what they are", () => {
  const heap = debugHeap();
  heap.object.malloc(10);
  const expected: [number, RegExp][] = [
    [0xcdcdcdcd, /pattern of new memory that was never written to/],
    [0xdddddddd, /pattern of freed memory/],
    [0xfdfdfdfd, /pattern of the pads around a block/],
    [0xfffffff8, /outside the memory of \d+ bytes/],
    [heap.u8.length, /outside the memory of \d+ bytes/],
    [8, /nothing was allocated there/],
    [heap.root, /nothing was allocated there/],
  ];
  for (const [p, message] of expected) {
    for (const call of [() => heap.object.free(p), () => heap.mem.realloc(p, 1)]) {
      const fault = faultOf(call);
      assert.deepEqual([fault.kind, fault.address >>> 0], ["invalid-pointer", p]);
      assert.match(fault.message, message);
      assert.match(fault.dump as string, /^Debug memory block at address p=0x[0-9a-f]+: no block/);
      assert.deepEqual([fault.size, fault.family, fault.serial], [undefined, undefined, undefined]);
    }
  }
});

test("a pointer into a pool is told apart: its header, and where no block was allocated", () => {
  const heap = debugHeap();
  const p = heap.object.malloc(40);
  const pool = poolOf(heap, p);
  assert.match(
    faultOf(() => heap.object.free(pool)).message,
    new RegExp(`points into the header of the pool at 0x${pool.toString(16)}`),
  );
  const elsewhere = pool + 900;
  assert.match(faultOf(() => heap.object.free(elsewhere)).message, /where no block was allocated/);
});
