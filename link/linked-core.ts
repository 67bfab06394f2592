/**
 * The linked core as it goes into a program: what its imports stand for there, and whose place its functions take.
 */
import type Binaryen from "binaryen";
import { type Address, bytesOf, layoutMark, linkedLayout, linkedModule } from "../base/base.js";
import { FREE_IN_RECORD } from "../python/python.js";
import { type Api, bind, optimize } from "./bind.js";
import type { Survey } from "./survey.js";
import { foreignText, layOutTexts } from "./texts.js";

/** Functions of the program that ours call, by what ours import them as. */
const CALLED = {
  tableRealloc: "realloc",
  systemMalloc: "malloc",
  systemCalloc: "calloc",
  systemRealloc: "realloc",
  systemFree: "free",
  systemMemalign: "memalign",
  sbrk: "sbrk",
  footprint: "malloc_footprint",
  footprintLimit: "malloc_footprint_limit",
  setFootprintLimit: "malloc_set_footprint_limit",
  write: "write",
  PyBool_FromLong: "PyBool_FromLong",
  PyLong_FromSize_t: "PyLong_FromSize_t",
  theirAddObject: "PyModule_AddObjectRef",
};

/** ... and those that ours stand in front of: they are there under other names, those of `added`. */
export const SHADOWED = {
  callConstructors: "__wasm_call_ctors",
  environmentValue: "getenv",
  theirAllocatorName: "_PyMem_GetCurrentAllocatorName",
};

/** What a program calls a function or a global that linking adds to it. */
export function added(name: string): string {
  return `pymalloc/${name}`;
}

/** The linked core's raw domain and arena allocator are its own. */
const OWN = {
  malloc: "core/linked/families/PyMem_RawMalloc",
  calloc: "core/linked/families/PyMem_RawCalloc",
  realloc: "core/linked/families/PyMem_RawRealloc",
  free: "core/linked/families/PyMem_RawFree",
  tableFree: "core/linked/foundation/tableFree",
  arenaAlloc: "core/linked/foundation/arenaAlloc",
  arenaFree: "core/linked/foundation/arenaFree",
  tell: "core/linked/limited/tell",
};

/** For the other allocators than ours, and for what is rare: a copy in each caller would only make the program longer. */
const APART = [
  ...["Malloc", "Calloc", "Realloc"].map((verb) => `core/linked/families/other${verb}`),
  ...["settle", "freeRow", "takeRow"].map((name) => `core/limit/limit/${name}`),
];

const FAMILIES = ["PyObject_", "PyMem_", "PyMem_Raw"].flatMap((prefix) =>
  ["Malloc", "Calloc", "Realloc", "Free"].map((verb) => prefix + verb),
);

/** Our functions, and the exported ones whose place they take. */
const REPLACED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(FAMILIES.map((name) => [name, name])),
  constructors: "__wasm_call_ctors",
  getenv: "getenv",
  allocatorName: "_PyMem_GetCurrentAllocatorName",
};

/** Our functions that other modules get for the program's; those who call it in the program itself go on as before. */
export const FOR_OTHERS = { addObject: "PyModule_AddObjectRef" };

/** Our functions that are exported besides: JavaScript reads the limit, and sets it. */
export const EXPORTED = { limit: "pymalloc_limit", limitTo: "pymalloc_set_limit" };

/** Our functions that are called through the table, by what ours import their places as. */
export const IN_TABLE = {
  pyMallocIndex: "pyMalloc",
  pyCallocIndex: "pyCalloc",
  pyReallocIndex: "pyRealloc",
  pyFreeIndex: "pyFree",
  countedMallocIndex: "countedMalloc",
  countedCallocIndex: "countedCalloc",
  countedReallocIndex: "countedRealloc",
  countedFreeIndex: "countedFree",
  blocksIndex: "blocksOfSys",
  statsIndex: "statsOfSys",
};

/** What lies behind the program's data and its stack: the root with the state behind it, and the texts. */
interface Places {
  readonly root: Address;
  readonly textsAt: Address;
  readonly texts: Uint8Array;
  /** Where each text is, by its name. */
  readonly addresses: Readonly<Record<string, Address>>;
  /** Where it ends: whole chunks of the system malloc's. */
  readonly end: Address;
}

/** Where in a program's memory things of ours are from its start. */
export function placesIn({ heapBase }: Survey): Places {
  const textsAt = heapBase + linkedLayout.TEXTS;
  const { bytes, addresses } = layOutTexts(textsAt);
  const reserved = Math.ceil((linkedLayout.TEXTS + bytes.length) / 16) * 16;
  return { root: heapBase, textsAt, texts: bytes, addresses, end: heapBase + reserved };
}

/** The addresses and places in the table that the linked core has as constants. */
function numbersFor(found: Survey, limitBytes: number): Record<string, number> {
  const { root, addresses, end } = placesIn(found);
  const places = Object.keys(IN_TABLE).map((name, at) => [name, found.tableLength + at]);
  return {
    root,
    layoutMark,
    rawRecord: found.records.raw,
    memRecord: found.records.mem,
    objectRecord: found.records.object,
    systemMallocIndex: found.system.malloc,
    systemCallocIndex: found.system.calloc,
    systemReallocIndex: found.system.realloc,
    systemFreeIndex: found.system.free,
    bareWord: found.records.raw + FREE_IN_RECORD,
    bareIf: found.system.free,
    blocksMethod: found.methods.getallocatedblocks,
    statsMethod: found.methods._debugmallocstats,
    ...Object.fromEntries(places),
    ...addresses,
    reserved: end - root,
    reserveCell: root + linkedLayout.STATE_RESERVE,
    limitAtStart: limitBytes,
    foreignBytes: foreignText.length,
  };
}

function mapValues(
  names: Readonly<Record<string, string>>,
  change: (value: string, key: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(names).map(([key, name]) => [key, change(name, key)]));
}

/**
 * The linked core, bound to a program and optimized for it.
 *
 * @param found what is known of the program
 * @param limitBytes of the memory; 0 for none
 * @param nameOf what the program calls a function that it exports
 * @returns a module, to be disposed of, whose functions can go into the program as they are
 */
export function linkedCore(
  binaryen: Api,
  found: Survey,
  limitBytes: number,
  nameOf: (exported: string) => string,
): Binaryen.Module {
  const bytes = bytesOf(linkedModule.code);
  const module = bind(binaryen, bytes, {
    numbers: numbersFor(found, limitBytes),
    functions: {
      ...mapValues(CALLED, nameOf),
      ...mapValues(SHADOWED, (_, key) => added(key)),
      ...OWN,
      writeForeign: added("writeForeign"),
    },
    replaced: mapValues(REPLACED, nameOf),
  });
  optimize(binaryen, module, APART);
  return module;
}
