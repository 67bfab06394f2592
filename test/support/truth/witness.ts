/**
 * What Python itself says of its objects, to compare snapshots with. The memory is copied first, and then Python walks: what it
 * makes while it does so is not in the copy, and what it says holds for the copy's moment, but for the few counts that its own
 * code moves (test/inspect/truth.test.ts counts them).
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Pyodide } from "../pyodide.js";

const folder = fileURLToPath(new URL(".", import.meta.url));

/** The programs whose objects are compared, by name: each leaves alive what it made. */
export const PROGRAMS: ReadonlyMap<string, string> = new Map(
  readdirSync(`${folder}programs`)
    .filter((file) => file.endsWith(".py"))
    .map((file) => [file.slice(0, -3), readFileSync(`${folder}programs/${file}`, "utf8")]),
);

/** In `Truth.count`: as good as immortal. */
export const MANY = 1 << 28;

/** All objects that Python can see, in typed arrays. */
export interface Truth {
  readonly objects: number;
  readonly address: Uint32Array;
  /** The address of its type. */
  readonly type: Uint32Array;
  /** `sys.getsizeof` of it. */
  readonly bytes: Uint32Array;
  /** Its references, without those of who looked; MANY and more for an immortal one. */
  readonly count: Uint32Array;
  /** The addresses that `gc.get_referents` gives, in its order; an object may be there twice. */
  referents(object: number): Uint32Array;
  /** The addresses of what it holds beyond those: a dict's keys, a code's constants. */
  unseen(object: number): Uint32Array;
  /** `app.Order`, of a type's address. */
  typeName(type: number): string;
}

interface Walker {
  readonly walk: (path: string, begin?: unknown) => void;
  readonly run: (name: string, source: string) => void;
}

interface Files {
  readFile(path: string): Uint8Array<ArrayBuffer>;
  readFile(path: string, options: { encoding: "utf8" }): string;
}

/** An interpreter, made ready for the programs and for being looked at. */
export class Witness {
  readonly #walker: Walker;
  readonly #files: Files;

  constructor(pyodide: Pyodide) {
    const { toPy, FS } = pyodide as unknown as {
      toPy(value: object): { get(name: "walk" | "run"): never };
      FS: Files;
    };
    const globals = toPy({ __name__: "walk" });
    const options = { globals, filename: "walk.py" };
    const run = pyodide.runPython as (code: string, options: object) => void;
    run(readFileSync(`${folder}walk.py`, "utf8"), options);
    this.#walker = { walk: globals.get("walk"), run: globals.get("run") };
    this.#files = FS;
    // What is made at a first walk only is there before the memory is copied. It walks from an empty list: one of all objects
    // would leave their addresses in freed memory, where C's buffers would have them.
    this.#walker.walk("/tmp/truth", pyodide.runPython("list"));
  }

  run(name: string): void {
    this.#walker.run(name, PROGRAMS.get(name) as string);
  }

  /** Collects and switches the collector off; then copies the memory with `look`, and then asks Python. */
  testify<T>(look: () => T): { readonly seen: T; readonly truth: Truth } {
    this.#walker.run("collected_before", "import gc; gc.collect(); gc.disable()");
    const seen = look();
    this.#walker.walk("/tmp/truth");
    const bytes = this.#files.readFile("/tmp/truth.words");
    const { alone, types } = JSON.parse(
      this.#files.readFile("/tmp/truth.json", { encoding: "utf8" }),
    ) as { alone: number; types: Record<string, [module: string, name: string]> };
    return { seen, truth: readTruth(new Uint32Array(bytes.slice().buffer), alone, types) };
  }
}

/** What stands before the addresses of a row of `walk.py`. */
const HEAD = 6;

function readTruth(
  words: Uint32Array,
  alone: number,
  types: Readonly<Record<string, readonly [string, string]>>,
): Truth {
  const rows: number[] = [];
  let added = 0;
  for (let at = 0; at < words.length; ) {
    const [address, , , count, referents, unseen] = words.subarray(at, at + HEAD) as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    if (address === alone) added = count;
    else rows.push(at);
    at += HEAD + referents + unseen;
  }
  const column = (place: number) => Uint32Array.from(rows, (at) => words[at + place] as number);
  const start = (object: number) => (rows[object] as number) + HEAD;
  const referents = column(4);
  const unseen = column(5);
  return {
    objects: rows.length,
    address: column(0),
    type: column(1),
    bytes: column(2),
    count: column(3).map((count) => (count >= MANY ? count : count - added)),
    referents(object) {
      const from = start(object);
      return words.subarray(from, from + (referents[object] as number));
    },
    unseen(object) {
      const from = start(object) + (referents[object] as number);
      return words.subarray(from, from + (unseen[object] as number));
    },
    typeName: (type) => (types[type] ?? ["", `0x${type.toString(16)}`]).join("."),
  };
}
