/** A damaged memory gives a graph of what can be read of it: nothing is thrown, nothing goes on for ever. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Blocks,
  captureImage,
  findBlocks,
  imageOf,
  type MemoryImage,
} from "../../inspect/memory/memory.js";
import { type PythonGraph, pythonGraph } from "../../inspect/python/python.js";
import { load, VERSIONS } from "../support/pyodide.js";
import { PROGRAM } from "./witness.js";

const ROUNDS = 6;
const WORDS = 20_000;

/** Numbers that are the same each time: Marsaglia's xorshift. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Overwrites words in the first bytes of blocks, by what is most likely to be believed. */
function damage(image: MemoryImage, blocks: Blocks, seed: number): MemoryImage {
  const random = numbersFrom(seed);
  const damaged = imageOf(image.marks, image.u8.slice());
  const { starts, sizes, count } = blocks;
  const start = () => starts[random(count)] as number;
  for (let word = 0; word < WORDS; word++) {
    const block = random(count);
    const at = (starts[block] as number) + (random(Math.min(sizes[block] as number, 64)) & ~3);
    const another = image.u32[(start() >>> 2) + random(8)] as number;
    const values = [0, 0xffffffff, random(2 ** 31), random(64), start(), start() + 8, another];
    damaged.u32[at >>> 2] = values[random(values.length)] as number;
  }
  return damaged;
}

/** Everything that can be asked is asked, and all that refers to something refers to what there is. */
function askAll({ graph, content, references }: PythonGraph): void {
  assert.equal(graph.first[graph.nodes], graph.edges);
  for (let edge = 0; edge < graph.edges; edge++) {
    const to = graph.to[edge] as number;
    assert.ok(to > 0 && to < graph.nodes, `edge ${edge} leads to ${to} of ${graph.nodes}`);
  }
  for (let node = 0; node < graph.nodes; node += 7) {
    assert.ok(graph.label(node).length < 1024);
    assert.ok(content(node).capacity >= 0);
  }
  assert.equal(references().length, graph.nodes);
}

for (const name of VERSIONS) {
  test(`${name}: words that were overwritten`, async () => {
    const pyodide = await load(name);
    pyodide.runPython(PROGRAM);
    const image = captureImage(pyodide, { copy: true });
    const blocks = findBlocks(image);
    const { edges } = pythonGraph(image, blocks).graph;
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const damaged = pythonGraph(damage(image, blocks, seed), blocks);
      askAll(damaged);
      assert.ok(damaged.graph.edges < 2 * edges, `${damaged.graph.edges}, there were ${edges}`);
    }
  });

  test(`${name}: a memory of nothing but the same word`, async () => {
    const pyodide = await load(name);
    const image = captureImage(pyodide, { copy: true });
    const blocks = findBlocks(image);
    const list = pyodide.runPython("id(list)") as number;
    for (const word of [0, 0xffffffff, list, blocks.starts[1000] as number]) {
      const { from } = image.marks.chunks;
      const damaged = imageOf(image.marks, image.u8.slice());
      damaged.u32.fill(word, from >>> 2);
      askAll(pythonGraph(damaged, blocks));
    }
  });
}
