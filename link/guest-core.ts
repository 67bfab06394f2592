/** The core as it goes into a guest: what its imports stand for there, and what of it the guest needs. */
import type Binaryen from "binaryen";
import {
  bytesOf,
  debugLayout,
  guestLayout,
  guestModule,
  largeLayout,
  layout,
  objectsLayout,
  readDebugOptions,
} from "../base/base.js";
import { GRANULE_BITS } from "../hosts/hosts.js";
import type { GuestBinary } from "../src/guests/guests.js";
import { type Api, bind, exportsOf, optimize } from "./bind.js";
import { GRANULE, type GuestPlace, placeFor } from "./guest-place.js";
import { layOutGuestTexts } from "./texts.js";

/** The module that a guest's functions are imported from (include/pymalloc.h). */
export const MODULE = "pymalloc";

/** Functions of ours that are called through the guest's table, by what ours import their places as. */
const RECORDED = {
  rawMallocIndex: "rawPyMalloc",
  rawCallocIndex: "rawPyCalloc",
  rawReallocIndex: "rawPyRealloc",
  rawFreeIndex: "rawPyFree",
  pyMallocIndex: "pyMalloc",
  pyCallocIndex: "pyCalloc",
  pyReallocIndex: "pyRealloc",
  pyFreeIndex: "pyFree",
};
const DEBUGGED = {
  debugMallocIndex: "debugMalloc",
  debugCallocIndex: "debugCalloc",
  debugReallocIndex: "debugRealloc",
  debugFreeIndex: "debugFree",
};
const ARENAS = { arenaAllocIndex: "arenaPyAlloc", arenaFreeIndex: "arenaPyFree" };

/** Ours that a guest with a debug heap exports. */
export const REPORT = "pymalloc_report";

/** What a guest needs, by what it imports and what is asked for. */
export interface Needs {
  /** It may set allocators. */
  readonly hooks: boolean;
  readonly arenaHooks: boolean;
  /** Debug hooks from the first allocation on; and at all. */
  readonly debug: boolean;
  readonly debugs: boolean;
}

export function needsOf(imported: ReadonlySet<string>, withPydebug: boolean): Needs {
  const has = (...names: string[]) => names.some((name) => imported.has(name));
  return {
    hooks: has("PyMem_GetAllocator", "PyMem_SetAllocator", "PyMem_SetupDebugHooks"),
    arenaHooks: has("PyObject_GetArenaAllocator", "PyObject_SetArenaAllocator"),
    debug: withPydebug,
    debugs: withPydebug || has("PyMem_SetupDebugHooks"),
  };
}

/** The functions that go into the guest's table, by what ours import their places as. */
export function inTable({ hooks, arenaHooks, debugs }: Needs): Readonly<Record<string, string>> {
  return {
    ...(hooks ? RECORDED : {}),
    ...(hooks && debugs ? DEBUGGED : {}),
    ...(arenaHooks ? ARENAS : {}),
  };
}

/** The parts of the heap's state, and how long each is. */
function lengthsOf({ debugs }: Needs) {
  const reports = debugs ? layOutGuestTexts(0).bytes.length : 0;
  return {
    root: layout.ROOT_SIZE,
    guestState: guestLayout.STATE_SIZE,
    objectsRoot: objectsLayout.OBJECTS_ROOT_SIZE,
    metatype: guestLayout.METATYPE_SIZE,
    ledgerRoot: debugs ? debugLayout.LEDGER_SIZE : 0,
    texts: reports,
    vector: debugs ? guestLayout.VECTOR_SIZE : 0,
    reportBuffer: debugs ? debugLayout.REPORT_BYTES : 0,
    // The malloc's: what it serves follows.
    largeRoot: largeLayout.LARGE_ROOT_SIZE,
  };
}

type Part = keyof ReturnType<typeof lengthsOf>;

const ALIGNMENT = 8;

/** Where a guest's heap lies, with each part of its state. */
export function placesFor(
  guest: GuestBinary,
  needs: Needs,
): GuestPlace & { readonly parts: Readonly<Record<Part, number>> } {
  let end = 0;
  const offsets = Object.entries(lengthsOf(needs)).map(([part, bytes]) => {
    const alignment = part === "largeRoot" ? GRANULE : ALIGNMENT;
    const offset = Math.ceil(end / alignment) * alignment;
    end = offset + bytes;
    return [part, offset] as const;
  });
  const place = placeFor(guest, end);
  const parts = offsets.map(([part, offset]) => [part, place.root + offset]);
  return { ...place, parts: Object.fromEntries(parts) as Record<Part, number> };
}

/** What the guest's memory has at `parts.texts` from its start. */
export function textsOf({ debugs }: Needs, { parts }: ReturnType<typeof placesFor>): Uint8Array {
  return debugs ? layOutGuestTexts(parts.texts).bytes : new Uint8Array(0);
}

const OWN = "core/guest";

/** Functions of ours, by the hosts' names. */
const functions: Readonly<Record<string, string>> = {
  "heap-host/malloc": `${OWN}/families/PyMem_RawMalloc`,
  "heap-host/calloc": `${OWN}/families/PyMem_RawCalloc`,
  "heap-host/realloc": `${OWN}/families/PyMem_RawRealloc`,
  "heap-host/free": `${OWN}/families/PyMem_RawFree`,
  "heap-host/systemFree": `${OWN}/ground/systemFree`,
  "heap-host/tableRealloc": `${OWN}/ground/tableRealloc`,
  "heap-host/tableFree": `${OWN}/ground/tableFree`,
  "heap-host/arenaAlloc": `${OWN}/arena-source/arenaAlloc`,
  "heap-host/arenaFree": `${OWN}/arena-source/arenaFree`,
  "object-host/malloc": `${OWN}/families/PyObject_Malloc`,
  "object-host/free": `${OWN}/families/PyObject_Free`,
  "object-host/dealloc": `${OWN}/types/dealloc`,
  "object-host/raise": `${OWN}/refusals/refuseObject`,
  "debug-host/tableMalloc": `${OWN}/ground/tableMalloc`,
  "debug-host/tableFree": `${OWN}/ground/systemFree`,
  "debug-host/fault": "core/debug/report/report/reportFault",
  "report-host/poolOf": "core/heap/map/poolOf",
  "report-host/writeReport": `${OWN}/debugged/writeReport`,
  "report-host/endProgram": `${OWN}/debugged/endProgram`,
  "debug-host/holdsGil": `${OWN}/below/holdsGil`,
  ...Object.fromEntries(["born", "died", "left"].map((name) => [name, `${OWN}/below/told`])),
  ...Object.fromEntries(
    ["raw", "mem", "object"].flatMap((family) => [
      ...["Malloc", "Calloc", "Free"].map((verb) => [
        `debug-host/${family}${verb}`,
        `${OWN}/below/${family}${verb}`,
      ]),
      [`debug-host/${family}FreeEarlier`, `${OWN}/below/${family}Free`],
    ]),
  ),
};

/** Where the fast paths end: these stay functions, so that what is in front of them is short. */
const SLOW = ["pymalloc/takeSlowly", "pymalloc/putRaw", "pools/settle"].map(
  (name) => `core/heap/${name}`,
);

/** Puts numbers into the place of globals, and drops what is never reached then. */
const CONSTANTS = ["simplify-globals", "precompute", "dce", "vacuum"];

/** All but a few functions are rarely called. */
const small = { inlinedSize: 10, shrinkLevel: 2 } as const;

/** What ours is called in a linked guest that takes the place of an import. */
export function ownName(imported: string): string {
  return `pymalloc/${imported}`;
}

/**
 * The core, bound to a guest and optimized for what it needs.
 *
 * @param imported what the guest imports; all else is dropped
 * @param table where the first of `inTable` lies in the guest's function table
 * @param stderr what the guest calls WASI's fd_write, where it has it
 * @returns a module, to be disposed of, with what is imported, in the table, and `start`, as its exports
 */
export function guestCore(
  binaryen: Api,
  imported: ReadonlySet<string>,
  needs: Needs,
  { guest, parts }: ReturnType<typeof placesFor>,
  table: number,
  stderr: string | undefined,
): Binaryen.Module {
  const { root, objectsRoot, ledgerRoot, ...places } = parts;
  const unplaced = Object.keys({ ...RECORDED, ...DEBUGGED, ...ARENAS }).map((name) => [name, 0]);
  const inTableAt = Object.keys(inTable(needs)).map((name, at) => [name, table + at]);
  const module = bind(binaryen, bytesOf(guestModule.code), {
    numbers: {
      "heap-host/root": root,
      "object-host/root": objectsRoot,
      "debug-host/root": ledgerRoot,
      ...places,
      objectsRoot,
      ledgerRoot,
      bareWord: parts.guestState + (needs.hooks ? guestLayout.RAW_FREE : guestLayout.NOTHING),
      bareIf: needs.hooks
        ? table + Object.keys(RECORDED).indexOf("rawFreeIndex")
        : Number(needs.debug),
      granuleBits: GRANULE_BITS.large,
      watched: 0,
      underGil: 0,
      hooks: Number(needs.hooks),
      arenaHooks: Number(needs.arenaHooks),
      debug: Number(needs.debug),
      debugs: Number(needs.debugs),
      guestFrom: guest[0],
      guestTo: guest[1],
      quarantineBytes: readDebugOptions({}, "linkGuest").quarantineBytes,
      ...layOutGuestTexts(parts.texts).addresses,
      ...Object.fromEntries(unplaced),
      ...Object.fromEntries(inTableAt),
    },
    functions: { ...functions, fd_write: stderr ?? `${OWN}/debugged/noStandardError` },
    replaced: Object.fromEntries([...imported].map((name) => [name, ownName(name)])),
  });
  const kept = new Set([
    ...imported,
    ...Object.values(inTable(needs)),
    "start",
    ...(needs.debugs ? [REPORT] : []),
  ]);
  for (let at = module.getNumExports() - 1; at >= 0; at--) {
    const { name } = binaryen.getExportInfo(module.getExportByIndex(at));
    if (!kept.has(name)) module.removeExport(name);
  }
  // Most of it goes at once: what is left is soon optimized.
  module.runPasses([...CONSTANTS, "remove-unused-module-elements"]);
  optimize(binaryen, module, SLOW, small);
  return module;
}

/** The functions of pymalloc.h that there are. */
export function knownFunctions(binaryen: Api): ReadonlySet<string> {
  const module = binaryen.readBinary(bytesOf(guestModule.code));
  const names = new Set(exportsOf(binaryen, module).keys());
  module.dispose();
  return new Set([...names].filter((name) => /^(Py|malloc_)/.test(name)));
}
