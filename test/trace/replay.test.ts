/** pymalloc replay: the tape, the loop in WebAssembly, and what is measured. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { instantiate, replayModule } from "../../base/base.js";
import { makeContestants } from "../../measure/contestants.js";
import { replay } from "../../measure/replay.js";
import { eventsIn, makeTape, sizesAfter, type Tape } from "../../measure/tape.js";
import { type EventChunk, Op } from "../../trace/events.js";
import { numbers } from "../support/heaps.js";

type Event = [op: number, block: number, size: number];

function chunkOf(events: readonly Event[]): EventChunk {
  return {
    count: events.length,
    ops: Uint8Array.from(events, ([op]) => op),
    blocks: Uint32Array.from(events, ([, block]) => block),
    sizes: Uint32Array.from(events, ([, , size]) => size),
  };
}

const { malloc, calloc, realloc, free } = Op;

const EVENTS: readonly Event[] = [
  [malloc, 0, 10],
  [calloc, 1, 600],
  [malloc, 2, 0],
  [realloc, 0, 700],
  [free, 1, 0],
  [malloc, 3, 40],
  [realloc, 3, 3],
  [free, 2, 0],
];

test("a tape has slots that are used again, the frees that are missing, and the moment of most bytes", async () => {
  const tape = await makeTape([chunkOf(EVENTS.slice(0, 3)), chunkOf(EVENTS.slice(3))]);
  const words = (list: Uint32Array) =>
    Array.from({ length: eventsIn(list) }, (_, i) => {
      const first = list[i * 2] as number;
      return [first >>> 30, first & 0x3fffffff, list[i * 2 + 1]];
    });
  assert.deepEqual(words(tape.words), [
    [malloc, 0, 10],
    [calloc, 1, 600],
    [malloc, 2, 0],
    [realloc, 0, 700],
    [free, 1, 0],
    [malloc, 1, 40],
    [realloc, 1, 3],
    [free, 2, 0],
  ]);
  assert.deepEqual(words(tape.cleanup).sort(), [
    [free, 0, 0],
    [free, 1, 0],
  ]);
  assert.deepEqual([tape.events, tape.slots], [8, 3]);
  assert.deepEqual(tape.peak, { events: 4, bytes: 1300, blocks: 3 });
  assert.deepEqual([...sizesAfter(tape, 7)].sort(), [
    [0, 700],
    [1, 3],
    [2, 0],
  ]);
  assert.equal((await makeTape([chunkOf(EVENTS)], 5)).events, 5);
});

test("the loop makes just the calls of the tape, and writes into both ends of each block", async () => {
  const tape = await makeTape([chunkOf(EVENTS)]);
  const memory = new WebAssembly.Memory({ initial: 1 });
  const calls: unknown[] = [];
  let top = 4096;
  const take = (name: string, ...args: number[]) => {
    calls.push([name, ...args]);
    top += 1024;
    return top;
  };
  const functions = {
    malloc: (bytes: number) => take("malloc", bytes),
    calloc: (count: number, size: number) => take("calloc", count, size),
    realloc: (p: number, bytes: number) => take("realloc", p, bytes),
    free: (p: number) => void calls.push(["free", p]),
  };
  const player = instantiate(replayModule, { env: { memory }, replay: functions });
  new Uint32Array(memory.buffer).set(tape.words, 0);
  const play = player["replay"] as (tape: number, events: number, slots: number) => number;
  assert.equal(play(0, tape.events, 2048), 0);
  const [a, b, c, d, e, f] = [1, 2, 3, 4, 5, 6].map((n) => 4096 + 1024 * n);
  assert.deepEqual(calls, [
    ["malloc", 10],
    ["calloc", 1, 600],
    ["malloc", 0],
    ["realloc", a, 700],
    ["free", b],
    ["malloc", 40],
    ["realloc", e, 3],
    ["free", c],
  ]);
  const word = (at: number) => new Uint32Array(memory.buffer)[at / 4];
  assert.deepEqual([word(d as number), word((d as number) + 696)], [d, d]);
  assert.deepEqual([word(e as number), word((e as number) + 36)], [e, e]);
  assert.equal(word(f as number), 0, "three bytes are no word");
  assert.deepEqual([word(2048), word(2052)], [d, f], "the slots hold the addresses");
});

test("requests that get no memory are counted, and a block that could not grow stays", async () => {
  const tape = await makeTape([chunkOf(EVENTS)]);
  const memory = new WebAssembly.Memory({ initial: 1 });
  const freed: number[] = [];
  const functions = {
    malloc: (bytes: number) => (bytes === 10 ? 8192 : 0),
    calloc: () => 0,
    realloc: () => 0,
    free: (p: number) => void freed.push(p),
  };
  const player = instantiate(replayModule, { env: { memory }, replay: functions });
  new Uint32Array(memory.buffer).set(tape.words, 0);
  const play = player["replay"] as (tape: number, events: number, slots: number) => number;
  assert.equal(play(0, tape.events, 2048), 5);
  assert.deepEqual(freed, [0, 0]);
  assert.equal(new Uint32Array(memory.buffer)[2048 / 4], 8192);
});

/** A program that keeps some thousand blocks and now and then a large one. */
async function someTape(): Promise<Tape> {
  const random = numbers(5);
  const live: number[] = [];
  const events: Event[] = [];
  let born = 0;
  for (let i = 0; i < 40_000; i++) {
    const kind = random(10);
    if (kind < 5 || live.length === 0) {
      events.push([
        kind === 0 ? calloc : malloc,
        born,
        random(20) === 0 ? random(5000) : random(200),
      ]);
      live.push(born++);
    } else if (kind < 6) {
      events.push([realloc, live[random(live.length)] as number, random(800)]);
    } else {
      const [block = 0] = live.splice(random(live.length), 1);
      events.push([free, block, 0]);
    }
  }
  return await makeTape([chunkOf(events)]);
}

test("every allocator plays a trace without a failure, and the parts of the memory sum to the whole", async () => {
  const tape = await someTape();
  const contestants = await makeContestants();
  const options = { contestants, base: "dlmalloc", rounds: 2, freshRounds: 1, step() {} };
  const results = replay(tape, options);
  assert.deepEqual(
    results.map(({ allocator }) => allocator),
    ["pymalloc", "dlmalloc", "mimalloc", "pymalloc-own", "malloc", "bump", "floor"],
  );
  for (const { allocator, warm, fresh, takenBytes, perLiveByte, failures, breakdown } of results) {
    assert.equal(failures, 0, allocator);
    assert.ok(warm.min > 0 && warm.min <= warm.median && fresh.min > 0, allocator);
    if (allocator !== "floor") assert.ok(takenBytes >= tape.peak.bytes, allocator);
    assert.equal(perLiveByte, takenBytes / tape.peak.bytes);
    assert.equal(breakdown !== undefined, allocator.startsWith("pymalloc"), allocator);
    if (breakdown === undefined) continue;
    const { taken, ...parts } = breakdown;
    const sum = Object.values(parts).reduce((a, b) => a + b);
    assert.equal(sum, taken, allocator);
    assert.equal(parts.requested, tape.peak.bytes);
    for (const [part, bytes] of Object.entries(parts))
      assert.ok(bytes >= 0, `${allocator} ${part}`);
  }
  const base = results.find(({ allocator }) => allocator === "dlmalloc");
  assert.deepEqual([base?.warm.ratio, base?.fresh.ratio], [1, 1]);
});
