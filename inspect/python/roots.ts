/**
 * The roots of a Python heap: who holds objects without being one. Those that have names come first, and words of which is not
 * known what they are come last, so that the shortest way to an object is one that tells something.
 */
import type { Address } from "../../base/base.js";
import { FrameReader, ObjectFields, TypeFields } from "../../python/python.js";
import { countBelow } from "../graph/graph.js";
import type { MemoryImage } from "../memory/memory.js";
import { eachEntry } from "./dict-entries.js";
import { frameRoots } from "./frames.js";
import { type InterpreterState, readInterpreter } from "./interpreter.js";
import { proxyRoots } from "./javascript.js";
import { LEAST_IMMORTAL } from "./objects.js";
import type { Lookup, Range, Root } from "./root.js";
import { cText, strAt } from "./texts.js";

/** A range, and what its words are called. */
interface Words extends Range {
  readonly group: string;
  readonly name: (at: Address) => string;
}

enum Most {
  interpreters = 16,
  threads = 256,
  modules = 65536,
  interned = 1 << 22,
  name = 200,
  distance = 4096,
  sample = 16,
}

/** A state has so many bytes at most, also where nothing says how many (3.12). */
const STATE_BYTES = 1 << 18;

const hex = (bytes: number) => `+0x${bytes.toString(16)}`;

/** A reader of the frames in an image. */
export function frameReader(image: MemoryImage): FrameReader {
  return new FrameReader(image, { addressOf: (name) => image.marks.symbols[name] });
}

/** Where the states of the runtime and its interpreters lie. */
function statesOf({ marks }: MemoryImage, reader: FrameReader): Words[] {
  const { offsets } = reader;
  const from = marks.symbols["_PyRuntime"] ?? 0;
  if (from === 0) return [];
  const states: Words[] = [];
  const add = (group: string, what: string, start: Address, bytes: number) => {
    const name = (at: Address) => `${what} ${hex(at - start)}`;
    const to = start + Math.min(bytes, STATE_BYTES);
    states.push({ group, from: start, to, name });
  };
  if (offsets !== undefined) {
    for (const interpreter of reader.interpreters().slice(0, Most.interpreters)) {
      for (const thread of reader.threads(interpreter).slice(0, Most.threads)) {
        add("interpreter", "thread state", thread, offsets.threadSize);
      }
      add("interpreter", "interpreter state", interpreter, offsets.interpreterSize);
    }
  }
  add("interpreter", "runtime", from, offsets?.runtimeSize ?? STATE_BYTES);
  return states;
}

/** `sys.modules`, of an interpreter that does not say where it is (3.12): a dict of modules that its state points to. */
function modulesByContent(image: MemoryImage, states: readonly Range[]): Address {
  const { marks, u32 } = image;
  const typeOfModules = marks.symbols["PyModule_Type"];
  for (const { from, to } of states) {
    for (let w = from >>> 2; w < to >>> 2; w++) {
      const dict = u32[w] ?? 0;
      let modules = 0;
      const shown = eachEntry(image, dict, Most.sample, (_, value) => {
        if (u32[(value >>> 2) + 1] === typeOfModules) modules++;
      });
      if (shown === Most.sample && modules === shown) return dict;
    }
  }
  return 0;
}

/** Words that are looked through one by one, for whatever lies at the addresses that they are. */
class WordReader {
  readonly #image: MemoryImage;
  readonly #lookup: Lookup;
  readonly #roots: Root[];
  /** Words that have been looked at: they were named, or belong to objects. */
  readonly #done = new Set<Address>();
  /** What is found by a better name elsewhere. */
  readonly #named: ReadonlySet<Address>;
  readonly #versioned: ReadonlySet<Address>;

  constructor(image: MemoryImage, lookup: Lookup, roots: Root[], named: ReadonlySet<Address>) {
    this.#image = image;
    this.#lookup = lookup;
    this.#roots = roots;
    this.#named = named;
    const { PyFunction_Type, PyCode_Type } = image.marks.symbols;
    this.#versioned = new Set([PyFunction_Type ?? 1, PyCode_Type ?? 1]);
  }

  /** Names one word. */
  word(at: Address, group: string, name: string): void {
    this.#done.add(at);
    const address = this.#image.u32[at >>> 2] ?? 0;
    if (address !== 0) this.#roots.push({ group, name, address });
  }

  /** @param leftOut ranges that are not looked through */
  read({ from, to, group, name }: Words, leftOut: readonly Range[]): void {
    const { u32 } = this.#image;
    const { from: heap } = this.#lookup;
    const skip = [...leftOut].sort((one, other) => one.from - other.from);
    const end = Math.min(to >>> 2, u32.length);
    let next = 0;
    for (let w = (from + 3) >>> 2; w < end; w++) {
      const address = u32[w] as number;
      if (address < heap || address % 4 !== 0) continue;
      const at = w * 4;
      while (next < skip.length && (skip[next] as Range).to <= at) next++;
      const hole = skip[next];
      if (hole !== undefined && hole.from <= at) {
        w = (hole.to >>> 2) - 1;
        continue;
      }
      if (this.#done.has(at) || this.#named.has(address)) continue;
      if (this.#lookup.nodeAt(address) === 0 || this.#isCached(address, group)) continue;
      this.#roots.push({ group, name: name(at), address, isWord: true });
    }
  }

  /** The interpreter keeps functions and their code by their version, without holding them; it holds none otherwise. */
  #isCached(address: Address, group: string): boolean {
    const type = this.#image.u32[(address >>> 2) + 1];
    return group === "interpreter" && type !== undefined && this.#versioned.has(type);
  }
}

/** Names addresses in static data by the exported variable before them. */
function namer({ marks }: MemoryImage): (at: Address) => string {
  const symbols = Object.entries(marks.symbols).sort(([, one], [, other]) => one - other);
  const starts = Uint32Array.from(symbols, ([, start]) => start);
  return (at) => {
    const [name, start] = symbols[countBelow(starts, starts.length, at + 1) - 1] ?? ["", 0];
    const near = name !== "" && at - start < Most.distance;
    return near ? `${name} ${hex(at - start)}` : `static data 0x${at.toString(16)}`;
  };
}

/** The static types in a range: their words are their own. */
function staticTypes(image: MemoryImage, lookup: Lookup, { from, to }: Range): Root[] {
  const { u32, marks } = image;
  const typeOfTypes = marks.symbols["PyType_Type"] ?? 0;
  const roots: Root[] = [];
  const end = Math.min((to - TypeFields.size) >>> 2, u32.length);
  if (typeOfTypes === 0) return roots;
  for (let w = (from + 3) >>> 2; w < end; w++) {
    if (u32[w + 1] !== typeOfTypes || lookup.nodeAt(4 * w) === 0) continue;
    const name = cText(image, u32[w + ObjectFields.typeName / 4] ?? 0);
    roots.push({ group: "static types", name: `type ${name}`, address: 4 * w });
    w += TypeFields.size / 4 - 1;
  }
  return roots;
}

/** The memory of C's that a static type has: lists of members. (Its objects are references of its own.) */
function partsOfType({ u32 }: MemoryImage, lookup: Lookup, type: string, start: Address): Root[] {
  const roots: Root[] = [];
  for (let at = start; at < start + TypeFields.size; at += 4) {
    const address = u32[at >>> 2] ?? 0;
    if (address < lookup.from || lookup.nodeAt(address) === 0) continue;
    if (lookup.nodeAt(u32[(address + ObjectFields.type) >>> 2] ?? 0) !== 0) continue;
    roots.push({
      group: "static types",
      name: `${type} ${hex(at - start)}`,
      address,
    });
  }
  return roots;
}

/** The table of the interned strings, which does not hold them, and those of them that stay although nobody else may have them. */
function internedRoots(image: MemoryImage, table: Address): Root[] {
  if (table === 0) return [];
  const root = (name: string, address: Address): Root => {
    return { group: "interned strings", name, address };
  };
  const roots = [root("table of interned strings", table)];
  eachEntry(image, table, Most.interned, (key) => {
    if ((image.u32[key >>> 2] ?? 0) >= LEAST_IMMORTAL) roots.push(root("interned string", key));
  });
  return roots;
}

/** What static types keep in the interpreter's state is found by them. */
function managedObjects(
  managed: InterpreterState["managed"],
  types: readonly Root[],
): Set<Address> {
  return new Set(types.flatMap(({ address }) => managed(address).map(([, object]) => object)));
}

function moduleRoots(image: MemoryImage, modules: Address): Root[] {
  const roots: Root[] = [];
  eachEntry(image, modules, Most.modules, (key, address) => {
    const name = strAt(image, key, Most.name) ?? "?";
    roots.push({ group: "modules", name: `module ${name}`, address });
  });
  return roots;
}

/**
 * The roots of a Python's heap, without running Python. In a damaged memory it gives those that it can find.
 *
 * The words of the C stack, of static data and of the interpreter's state are taken for references where they have the address of
 * an object or of a block: a number can look like one, and so does what a list of free objects had (up to 3.13).
 */
export function findRoots(image: MemoryImage, lookup: Lookup): Root[] {
  const { marks, u32 } = image;
  const reader = frameReader(image);
  const { offsets } = reader;
  const states = statesOf(image, reader);
  const [interpreter = 0] = reader.interpreters();
  const known = readInterpreter(image);

  const modules =
    offsets === undefined
      ? modulesByContent(image, states)
      : (u32[(interpreter + offsets.modules) >>> 2] ?? 0);
  const roots = [
    ...moduleRoots(image, modules),
    ...frameRoots(reader, image.u8),
    ...proxyRoots(marks.proxies),
  ];
  for (const root of internedRoots(image, known.interned)) roots.push(root);
  const data = dataOf(image, lookup);
  const types = data.flatMap((range) => staticTypes(image, lookup, range));
  for (const root of types) roots.push(root);
  for (const { name, address } of types) {
    for (const root of partsOfType(image, lookup, name, address)) roots.push(root);
  }

  const named = managedObjects(known.managed, types).add(known.interned);
  const words = new WordReader(image, lookup, roots, named);
  if (offsets !== undefined) {
    words.word(interpreter + offsets.modules, "interpreter", "sys.modules");
    words.word(interpreter + offsets.sysDict, "interpreter", "the dict of sys");
    words.word(interpreter + offsets.builtins, "interpreter", "the dict of builtins");
  }
  for (const at of known.names) {
    if ((u32[at >>> 2] ?? 0) >= lookup.from) words.word(at, "interpreter", "cache of methods");
  }
  // From the inner to the outer: each word has the name of the smallest state that it is in.
  const done: Range[] = [known.types];
  for (const state of states) {
    words.read(state, done);
    done.push(state);
  }
  const ofTypes = types.map(({ address }) => ({ from: address, to: address + TypeFields.size }));
  const name = namer(image);
  for (const range of data) {
    words.read({ ...range, group: "static data", name }, [...done, ...ofTypes]);
  }
  words.read({ ...marks.stack, group: "C stack", name: () => "C stack" }, []);
  return roots;
}

/** Where static data is: below the heap, but for the C stack, and in libraries that were loaded. */
function dataOf({ marks }: MemoryImage, { from, libraries }: Lookup): Range[] {
  const { __heap_base = from, __stack_low = 0, __stack_high = 0 } = marks.symbols;
  const to = Math.min(__heap_base, from);
  return [{ from: 0, to: Math.min(__stack_low, to) }, { from: __stack_high, to }, ...libraries];
}
