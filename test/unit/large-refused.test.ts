/** A memory that refuses to grow, at each of its calls: the malloc's answer is 0, nothing has changed, and it goes on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import binaryen from "binaryen";
import { bytesOf, largeModule, layout, unsigned } from "../../base/base.js";
import { GRANULE_BITS, LARGE_ROOT, type Large } from "../../hosts/hosts.js";
import { numbers } from "../support/heaps.js";
import { blocksOf, PAGE } from "../support/large.js";
import { long } from "../support/profile.js";

/** The malloc, asking an import in the place of the instruction. */
function withGrowAsked(): WebAssembly.Module {
  const module = binaryen.readBinary(bytesOf(largeModule.code as string));
  module.setFeatures(binaryen.Features.BulkMemory | binaryen.Features.MutableGlobals);
  const text = module.emitText();
  const asked = text.replaceAll("(memory.grow", "(call $refusable");
  assert.notEqual(asked, text);
  const declared = asked.replace(
    "(module",
    '(module (import "test" "grow" (func $refusable (param i32) (result i32)))',
  );
  const changed = binaryen.parseText(declared);
  changed.setFeatures(module.getFeatures());
  return new WebAssembly.Module(changed.emitBinary() as Uint8Array<ArrayBuffer>);
}

const module = withGrowAsked();

class Refusing {
  readonly memory = new WebAssembly.Memory({ initial: 1, maximum: 2048 });
  readonly system: Large;
  /** The calls so far, and those that are refused. */
  calls = 0;
  refused = 0;

  constructor(pools: boolean, isRefused: (call: number) => boolean) {
    const grow = (pages: number) => {
      if (!isRefused(this.calls++)) return this.memory.grow(pages);
      this.refused++;
      return -1;
    };
    const { exports } = new WebAssembly.Instance(module, {
      env: { memory: this.memory },
      test: { grow },
      "large-host": {
        largeRoot: LARGE_ROOT,
        granuleBits: pools ? GRANULE_BITS.large : GRANULE_BITS.any,
      },
    });
    this.system = exports as unknown as Large;
  }

  /** The blocks that somebody has. */
  used(): (readonly [p: number, size: number])[] {
    if (this.system.end() === 0) return [];
    return blocksOf(this.memory).flatMap(({ p, size, inUse }) => (inUse ? [[p, size]] : []));
  }
}

interface Live {
  readonly p: number;
  readonly bytes: number;
}

/** Plays a program that grows, and asserts after each request that was refused. @returns what it played with */
function play(pools: boolean, isRefused: (call: number) => boolean): Refusing {
  const field = new Refusing(pools, isRefused);
  const { system, memory } = field;
  const random = numbers(5);
  const live: Live[] = [];
  const left: number[] = [];
  for (let step = 0; step < 220; step++) {
    const bytes = random(3) === 0 ? random(2000) : random(6 * PAGE);
    const block = live.length > 0 ? (live[random(live.length)] as Live) : undefined;
    const before = field.used();
    const { refused } = field;
    let [p, size] = [0, bytes];
    const what = random(10);
    if (what === 0 && pools) {
      p = unsigned(system.arenaAlloc());
      size =
        p && layout.UNIT_SIZE * new DataView(memory.buffer).getUint32(p + layout.SPARE_UNITS, true);
    } else if (what === 1) p = unsigned(system.memalign(2 ** (4 + random(14)), bytes));
    else if (what === 2) p = unsigned(system.calloc(1, bytes));
    else if (what === 3) {
      const from = unsigned(system.end()) + PAGE * random(2);
      if (from !== 0 && system.leave(from, from + PAGE) !== 0) left.push(from);
      continue;
    } else if (what < 6 && block !== undefined) {
      p = unsigned(system.realloc(block.p, bytes));
      if (p !== 0) live.splice(live.indexOf(block), 1);
    } else if (what < 8 && block !== undefined) {
      system.free(block.p);
      live.splice(live.indexOf(block), 1);
      continue;
    } else p = unsigned(system.malloc(bytes));
    assert.equal(system.validate(), 0, `step ${step}`);
    if (p !== 0) {
      new Uint8Array(memory.buffer, p, size).fill(255);
      live.push({ p, bytes });
    } else {
      assert.ok(field.refused > refused, "nothing is refused while the memory grows");
      assert.deepEqual(field.used(), before, "what was refused has changed nothing");
    }
  }
  for (const from of left) system.takeBack(from);
  for (const { p } of live) system.free(p);
  assert.equal(system.validate(), 0);
  assert.deepEqual(field.used(), []);
  return field;
}

for (const pools of [true, false]) {
  const granule = pools ? 64 : 16;

  test(`granules of ${granule}: the memory is refused at each call of memory.grow`, () => {
    const calls = play(pools, () => false).calls;
    assert.ok(calls > 30, `${calls} calls`);
    for (let call = 0; call < calls; call += long ? 1 : 3) {
      // A second try for less; that as well; all that follow for a while.
      for (const times of [1, 2, 9]) {
        const { refused } = play(pools, (n) => n >= call && n < call + times);
        assert.ok(refused > 0);
      }
    }
  });
}
