/** What the tests of objects share. */
import assert from "node:assert/strict";
import { objectsLayout } from "../../base/generated/modules.js";
import type { Heap } from "../../src/index.js";

export { objectsLayout };

/** A word of the memory. */
export function word(heap: Heap, p: number, offset = 0): number {
  return heap.u32[(p + offset) / 4] as number;
}

/** The list that a C programmer would write; how often its dealloc ran is counted. */
export function defineNode(heap: Heap) {
  const deaths = { count: 0, deepest: 0, depth: 0 };
  const Node = heap.defineType({
    name: "Node",
    fields: { left: "ptr", right: "ptr" },
    dealloc(p) {
      assert.equal(heap.i32[p / 4], 0, "no reference is left, waited or not");
      deaths.depth++;
      deaths.deepest = Math.max(deaths.deepest, deaths.depth);
      const { left, right } = Node.at(p);
      heap.deleteObject(p);
      if (left !== 0) heap.decref(left);
      if (right !== 0) heap.decref(right);
      deaths.depth--;
      deaths.count++;
    },
  });
  const newNode = (left: number, right: number): number => {
    const p = heap.newObject(Node);
    assert.notEqual(p, 0);
    Object.assign(Node.at(p), { left, right });
    return p;
  };
  return { Node, newNode, deaths };
}
