/**
 * The linked core as it goes into a program: what its imports stand for there, and whose place its functions take.
 */
import type Binaryen from "binaryen";
import {
  type Address,
  bytesOf,
  debugLayout,
  layoutMark,
  linkedLayout,
  linkedModule,
  pydebugModule,
  readDebugOptions,
} from "../base/base.js";
import { FREE_IN_RECORD } from "../python/python.js";
import { domainNames } from "../src/domains.js";
import { type Api, bind, optimize } from "./bind.js";
import type { Survey } from "./survey.js";
import { foreignText, layOutTexts } from "./texts.js";

/** What is linked in. */
export interface Wish {
  /** Where the heap is to end at the latest; 0 for no limit. */
  readonly limitBytes: number;
  /** Are the debug modes ours, and the default? */
  readonly withPydebug: boolean;
}

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

/** ... with the debug heap. */
const CALLED_BY_PYDEBUG = {
  "debug-host/tableMalloc": "malloc",
  "debug-host/tableFree": "free",
  holdsGil: "PyGILState_Check",
  _Py_FatalErrorFunc: "_Py_FatalErrorFunc",
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

/** ... as is what the debug heap stands on. */
const OWN_OF_PYDEBUG = {
  ...Object.fromEntries(
    domainNames.flatMap((family) => [
      ...["Malloc", "Calloc", "Free"].map((verb) => [
        `debug-host/${family}${verb}`,
        `core/linked/pydebug/below/${family}${verb}`,
      ]),
      [`${family}FreeEarlier`, `core/linked/pydebug/below/${family}Free`],
    ]),
  ),
  ...Object.fromEntries(
    ["born", "died", "left"].map((name) => [name, "core/linked/pydebug/counts/nobodyHears"]),
  ),
  ...Object.fromEntries(
    ["malloc", "calloc", "realloc", "free"].map((verb) => [
      `heap-host/${verb}`,
      `core/linked/pydebug/raw/${verb}ForPools`,
    ]),
  ),
  fault: "core/linked/pydebug/fatal/fault",
  poolOf: "core/heap/map/poolOf",
  writeReport: "core/linked/pydebug/fatal/writeReport",
  endProgram: "core/linked/pydebug/fatal/endProgram",
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

/** ... with the debug heap: whom to tell of its faults. */
export const EXPORTED_BY_PYDEBUG = { tellFaults: "pymalloc_tell_faults" };

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

/** Our functions that lie where CPython has its debug hooks, by what those are called in a record. */
const HOOKS = {
  malloc: "debugMalloc",
  calloc: "debugCalloc",
  realloc: "debugRealloc",
  free: "debugFree",
} as const;

/** Which of our functions lie where in the function table. */
export function entriesOf({
  tableLength,
  hooks,
}: Survey): (readonly [place: number, name: string])[] {
  const own = Object.values(IN_TABLE).map((name, at) => [tableLength + at, name] as const);
  const theirs = (hooks?.functions ?? []).flatMap((record) =>
    Object.entries(HOOKS).map(
      ([verb, name]) => [record[verb as keyof typeof HOOKS], name] as const,
    ),
  );
  return [...own, ...theirs];
}

/** What lies behind the program's data and its stack: the root with the state behind it, and the texts. */
interface Places {
  readonly root: Address;
  readonly textsAt: Address;
  readonly texts: Uint8Array;
  /** Where each text is, by its name. */
  readonly addresses: Readonly<Record<string, Address>>;
  /** With the debug heap: its ledger, and the buffer for its reports. */
  readonly ledger: Address;
  readonly report: Address;
  /** Where it ends: whole chunks of the system malloc's. */
  readonly end: Address;
}

/** Where in a program's memory things of ours are from its start. */
export function placesIn({ heapBase, hooks }: Survey): Places {
  const textsAt = heapBase + linkedLayout.TEXTS;
  const { bytes, addresses } = layOutTexts(textsAt, hooks !== undefined);
  const ledger = textsAt + bytes.length;
  const report = ledger + debugLayout.LEDGER_SIZE;
  const last = hooks === undefined ? ledger : report + debugLayout.REPORT_BYTES;
  const end = heapBase + Math.ceil((last - heapBase) / 16) * 16;
  return { root: heapBase, textsAt, texts: bytes, addresses, ledger, report, end };
}

/** The addresses and places in the table that the linked core has as constants. */
function numbersFor(found: Survey, limitBytes: number): Record<string, number> {
  const { root, addresses, ledger, report, end } = placesIn(found);
  const { hooks } = found;
  const places = Object.keys(IN_TABLE).map((name, at) => [name, found.tableLength + at]);
  const ofPydebug = hooks && {
    "debug-host/root": ledger,
    ledgerRoot: ledger,
    quarantineBytes: readDebugOptions({}, "link").quarantineBytes,
    rawHooks: hooks.context,
    reportBuffer: report,
    watched: 0,
    underGil: 1,
  };
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
    ...ofPydebug,
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
 * @param nameOf what the program calls a function that it exports
 * @returns a module, to be disposed of, whose functions can go into the program as they are
 */
export function linkedCore(
  binaryen: Api,
  found: Survey,
  { limitBytes, withPydebug }: Wish,
  nameOf: (exported: string) => string,
): Binaryen.Module {
  const { code } = withPydebug ? pydebugModule : linkedModule;
  const module = bind(binaryen, bytesOf(code), {
    numbers: numbersFor(found, limitBytes),
    functions: {
      ...mapValues(CALLED, nameOf),
      ...(withPydebug ? { ...mapValues(CALLED_BY_PYDEBUG, nameOf), ...OWN_OF_PYDEBUG } : {}),
      ...mapValues(SHADOWED, (_, key) => added(key)),
      ...OWN,
      writeForeign: added("writeForeign"),
    },
    replaced: mapValues(REPLACED, nameOf),
  });
  optimize(binaryen, module, APART);
  return module;
}
