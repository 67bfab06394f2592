/**
 * The roots of a Python heap: who holds objects without being one. Those that have names come first, and words of which is not
 * known what they are come last, so that the shortest way to an object is one that tells something.
 */
import type { Address } from "../../base/base.js";
import { ObjectFields, PythonStackReader, TypeFields } from "../../python/python.js";
import type { MemoryImage } from "../memory/memory.js";
import { eachEntry } from "./dict-entries.js";
import { frameRoots } from "./frames.js";
import { type InterpreterState, readInterpreter } from "./interpreter.js";
import { proxyRoots } from "./javascript.js";
import type { Lookup, Range, Root, RootGroup } from "./root.js";
import { cText, strAt } from "./texts.js";

/** A range, and what its words are called. */
interface Words extends Range {
  readonly group: RootGroup;
  readonly name: (at: Address) => string;
  /** Does an object count a reference from here? */
  readonly counted: boolean;
}

const Most = { modules: 65536, name: 200, distance: 4096, sample: 16 } as const;

/** In the interpreter's state are so many bytes at most, where it does not say how many (3.12). */
const STATE_BYTES = 1 << 18;

const hex = (bytes: number) => `+0x${bytes.toString(16)}`;

/** A reader of the frames in an image. */
export function stackReader(image: MemoryImage): PythonStackReader {
  const { u8, u16, u32, marks } = image;
  return new PythonStackReader({ u8, u16, u32, addressOf: (name) => marks.symbols[name] });
}

/** Where the states of the runtime and its interpreters lie. */
function statesOf({ marks }: MemoryImage, reader: PythonStackReader): Words[] {
  const { offsets } = reader;
  const from = marks.symbols["_PyRuntime"] ?? 0;
  if (from === 0) return [];
  const size = offsets?.runtimeSize ?? STATE_BYTES;
  const states: Words[] = [];
  const add = (group: RootGroup, what: string, start: Address, bytes: number) => {
    const name = (at: Address) => `${what} ${hex(at - start)}`;
    states.push({ group, from: start, to: start + bytes, name, counted: true });
  };
  if (offsets !== undefined) {
    for (const interpreter of reader.interpreters()) {
      for (const thread of reader.threads(interpreter)) {
        add("interpreter", "thread state", thread, offsets.threadSize);
      }
      add("interpreter", "interpreter state", interpreter, offsets.interpreterSize);
    }
  }
  add("interpreter", "runtime", from, size);
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

  constructor(image: MemoryImage, lookup: Lookup, roots: Root[], named: ReadonlySet<Address>) {
    this.#image = image;
    this.#lookup = lookup;
    this.#roots = roots;
    this.#named = named;
  }

  /** Names one word. */
  word(at: Address, group: RootGroup, name: string): void {
    this.#done.add(at);
    const address = this.#image.u32[at >>> 2] ?? 0;
    if (address !== 0) this.#roots.push({ group, name, address, counted: true });
  }

  /** @param skip ranges that are left out, sorted */
  read({ from, to, group, name, counted }: Words, skip: readonly Range[] = []): void {
    const { u32 } = this.#image;
    const { from: heap } = this.#lookup;
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
      if (this.#lookup.nodeAt(address) === 0) continue;
      this.#roots.push({ group, name: name(at), address, counted });
    }
  }
}

/** Names addresses in static data by the exported variable before them. */
function namer({ marks }: MemoryImage): (at: Address) => string {
  const symbols = Object.entries(marks.symbols).sort(([, one], [, other]) => one - other);
  return (at) => {
    let low = 0;
    let high = symbols.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((symbols[middle] as [string, number])[1] <= at) low = middle + 1;
      else high = middle;
    }
    const [name, start] = symbols[low - 1] ?? ["", 0];
    const near = name !== "" && at - start < Most.distance;
    return near ? `${name} ${hex(at - start)}` : `0x${at.toString(16)}`;
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
    roots.push({ group: "static types", name, address: 4 * w, counted: false });
    w += TypeFields.size / 4 - 1;
  }
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
    roots.push({ group: "modules", name: `module ${name}`, address, counted: false });
  });
  return roots;
}

/**
 * The roots of a Python's heap, without running Python. In a damaged memory it gives those that it can find.
 *
 * The words of the C stack and of static data are taken for references where they have the address of an object or of a
 * block: a number can look like one.
 */
export function findRoots(image: MemoryImage, lookup: Lookup): Root[] {
  const { marks, u8, u32 } = image;
  const { symbols } = marks;
  const reader = stackReader(image);
  const { offsets } = reader;
  const states = statesOf(image, reader);
  const interpreters = reader.interpreters();
  const [interpreter = 0] = interpreters;

  const word = (at: Address): Address => u32[at >>> 2] ?? 0;
  const modules =
    offsets === undefined ? modulesByContent(image, states) : word(interpreter + offsets.modules);
  const roots = moduleRoots(image, modules);
  for (const thread of interpreters.flatMap((one) => reader.threads(one))) {
    roots.push(...frameRoots(reader, u8, thread));
  }
  roots.push(...proxyRoots(marks.proxies));
  const { interned, managed } = readInterpreter(image);
  if (interned !== 0) {
    const name = "interned strings";
    roots.push({ group: "interned strings", name, address: interned, counted: true });
  }

  const heapBase = Math.min(symbols["__heap_base"] ?? lookup.from, lookup.from);
  const stack = { from: symbols["__stack_low"] ?? 0, to: symbols["__stack_high"] ?? 0 };
  const { libraries } = lookup;
  const types = [{ from: 0, to: heapBase }, ...libraries].flatMap((range) =>
    staticTypes(image, lookup, range),
  );
  roots.push(...types);

  const words = new WordReader(image, lookup, roots, managedObjects(managed, types).add(interned));
  if (offsets !== undefined) {
    words.word(interpreter + offsets.modules, "interpreter", "sys.modules");
    words.word(interpreter + offsets.sysDict, "interpreter", "the dict of sys");
    words.word(interpreter + offsets.builtins, "interpreter", "the dict of builtins");
  }
  // From the inner to the outer: each word has the name of the smallest state that it is in.
  const done: Range[] = [];
  for (const state of states) {
    words.read(state, bySorted(done));
    done.push(state);
  }
  const typeWords = types.map(({ address }) => ({ from: address, to: address + TypeFields.size }));
  const group = "static data";
  const name = namer(image);
  words.read(
    { group, name, from: 0, to: heapBase, counted: true },
    bySorted([...done, ...typeWords, stack]),
  );
  for (const library of libraries) {
    words.read({ ...library, group, name, counted: true }, bySorted(typeWords));
  }
  words.read({ ...marks.stack, group: "C stack", name: () => "C stack", counted: false });
  return roots;
}

function bySorted(ranges: readonly Range[]): Range[] {
  return [...ranges].sort((one, other) => one.from - other.from);
}
