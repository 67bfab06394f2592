/**
 * What objects cost from JavaScript: `node --import tsx bench/objects.ts`. Nanoseconds an operation, shortest round: in a process
 * with one heap and one type, and in one that has met several of each, where V8 does not know what a call site will call.
 */
import { createHeap, type Heap, type TypeObject } from "../src/index.js";
import { timePaired } from "./paired.js";

/** Short rounds, and many: on a busy machine some of them are not interrupted. */
const TIMES = 30_000;
const ROUNDS = 800;

type Point = TypeObject<{ readonly x: "f64"; readonly y: "f64" }>;

function setUp(name: string): { readonly heap: Heap; readonly Point: Point } {
  const heap = createHeap({ malloc: "pymalloc" });
  return { heap, Point: heap.defineType({ name, fields: { x: "f64", y: "f64" } }) };
}

/** The loops over one type. Made of their text, so that no two callers share what V8 learns of them. */
function loops(heap: Heap, Point: Point) {
  const p = heap.newObject(Point);
  const loop = (body: string): (() => void) =>
    new Function(
      "heap",
      "Point",
      "p",
      `return () => { for (let i = 0; i < ${TIMES}; i++) { ${body} } }`,
    )(heap, Point, p);
  return {
    "malloc + free": loop("heap.object.free(heap.object.malloc(24));"),
    "newObject + decref": loop("heap.decref(heap.newObject(Point));"),
    "incref + decref": loop("heap.incref(p); heap.decref(p);"),
    "at(p).x = i": loop("Point.at(p).x = i;"),
    "cursor(p).x = i": loop("Point.cursor(p).x = i;"),
  };
}

function measure({ heap, Point }: ReturnType<typeof setUp>): Record<string, string> {
  const timings = timePaired(loops(heap, Point), ROUNDS);
  return Object.fromEntries(
    Object.entries(timings).map(([name, { min }]) => [name, ((min * 1e6) / TIMES).toFixed(1)]),
  );
}

const first = setUp("First");
const alone = measure(first);
const others = Array.from({ length: 4 }, (_, i) => setUp(`Other${i}`));
for (let round = 0; round < 100; round++) {
  for (const { heap, Point } of others) for (const run of Object.values(loops(heap, Point))) run();
}
console.log(`Node ${process.version}, ns an operation`);
console.table({ "one heap, one type": alone, "several of each": measure(first) });
