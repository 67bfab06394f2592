/** Snapshots beside what Python itself says of its objects: test/support/truth. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Snapshot } from "../../inspect/inspect.js";
import { long } from "../support/profile.js";
import { Comparison, renderComparison, type TypeResult } from "../support/truth/compare.js";
import { testimony, type Way } from "../support/truth/testimony.js";
import { MANY, PROGRAMS, type Truth } from "../support/truth/witness.js";

/** Types whose references have to be exactly Python's, and instances of classes that are written in Python. */
const EXACT = ["list", "tuple", "dict", "set", "frozenset"].map((name) => `builtins.${name}`);
/** Whose instances have more than the collector is told: they are classes, or have memory of C's. */
const NOT_EXACT = ["metaclasses.Registry", "buffers.Mesh", "buffers.Vertex"];
const isExact = ({ type }: TypeResult) =>
  EXACT.includes(type) ||
  (type.startsWith("programs.") && !NOT_EXACT.includes(type.replace("programs.", "")));

/** Of which types `sys.getsizeof` says more than an object has, and why. */
const SAYS_MORE: Readonly<Record<string, string>> = {
  "builtins.dict":
    "keys that the dicts of instances share: in each of them; here they are the class's",
  "datetime.datetime": "the place of a zone, which one without a zone does not have",
  "datetime.time": "the same",
};

function share(part: number, whole: number, least: number, what: string): void {
  assert.ok(part >= least * whole, `${what}: ${part} of ${whole}`);
}

/** The copy and Python's walk are of one moment: else nothing of the rest would mean anything. */
function sameMoment({ image }: Snapshot, truth: Truth): void {
  let types = 0;
  let counts = 0;
  for (let object = 0; object < truth.objects; object++) {
    const word = (truth.address[object] as number) >>> 2;
    if (image.u32[word + 1] === truth.type[object]) types++;
    const count = truth.count[object] as number;
    if (count >= MANY || image.u32[word] === count) counts++;
  }
  assert.equal(types, truth.objects, "types that are the same in the copy");
  share(counts, truth.objects, 0.997, "counts that are the same in the copy");
}

function compare(snapshot: Snapshot, truth: Truth, least: number): void {
  sameMoment(snapshot, truth);
  assert.ok(truth.objects > least, `${truth.objects} objects`);
  const comparison = new Comparison(snapshot.graph, truth);
  const all = comparison.sum();
  const exact = comparison.sum(isExact);
  const table = renderComparison(comparison);
  const examples = (of: (row: TypeResult) => boolean) =>
    [...comparison.types.values()]
      .filter(of)
      .flatMap((row) => row.examples.map((text) => `${row.type}: ${text}`))
      .slice(0, 20)
      .join("\n");

  assert.equal(all.unknown, 0, `${examples(({ unknown }) => unknown > 0)}\n${table}`);
  share(all.objects - all.invented, all.objects, 0.99, `objects that Python knows\n${table}`);
  share(all.referencesFound, all.references, 0.995, `references that were found\n${table}`);
  share(all.complete, all.objects, 0.995, `objects with all their references\n${table}`);
  assert.equal(
    exact.complete,
    exact.objects,
    `${examples((row) => isExact(row) && row.complete < row.objects)}\n${table}`,
  );
  assert.equal(exact.more, 0, `${examples((row) => isExact(row) && row.more > 0)}\n${table}`);
  share(all.counted, all.countable, 0.995, `objects whose count was found\n${table}`);
  const smaller = (row: TypeResult) => row.smaller > 0 && !(row.type in SAYS_MORE);
  // What a word somewhere else in C's memory points to as well is nobody's alone.
  const fewer = comparison.sum(smaller).smaller;
  share(all.objects - fewer, all.objects, 0.9995, `bytes, as many\n${examples(smaller)}\n${table}`);
  share(all.bytes, all.own, 1 / 1.4, `bytes of getsizeof, of those that are theirs\n${table}`);
}

describe("a snapshot says what Python says", () => {
  assert.equal(PROGRAMS.size, 20);
  const ways: [name: string, way: Way][] = [
    ["pyodide", "stock"],
    ["pyodide", "installed"],
    ["pyodide-029", "stock"],
  ];
  if (long) ways.push(["pyodide", "linked"], ["pyodide-029", "linked"], ["pyodide", "debug"]);
  for (const [name, way] of ways) {
    test(`${name}, ${way}: all twenty programs at once`, async () => {
      const { snapshot, truth } = await testimony(name, way);
      compare(snapshot, truth, 180_000);
    });
  }
  const names = long ? [...PROGRAMS.keys()] : [];
  for (let first = 0; first < names.length; first += 2) {
    const two = names.slice(first, first + 2);
    test(`${two.join(" and ")}, without the others`, async () => {
      const { snapshot, truth } = await testimony("pyodide", "stock", two);
      compare(snapshot, truth, 70_000);
    });
  }
});
