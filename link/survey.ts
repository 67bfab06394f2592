/**
 * What has to be known of a Pyodide's program before ours can be linked into it. It is found out by asking the program
 * and by looking at its memory, so nothing depends on how a compiler wrote things.
 */
import { type Address, bytesAt, wordsAt } from "../base/base.js";
import { type AllocatorRecord, findRecord, recordAt, writeRecord } from "../python/python.js";
import { LinkError } from "./errors.js";
import {
  addressOf,
  compileProgram,
  functionOf,
  instantiateProgram,
  type Program,
} from "./program.js";

/** What is replaced, and what ours calls. */
const NEEDED = [
  ...["PyObject_Malloc", "PyObject_Calloc", "PyObject_Realloc", "PyObject_Free"],
  ...["PyMem_Malloc", "PyMem_Calloc", "PyMem_Realloc", "PyMem_Free"],
  ...["PyMem_RawMalloc", "PyMem_RawCalloc", "PyMem_RawRealloc", "PyMem_RawFree"],
  ...["PyMem_GetAllocator", "PyMem_SetAllocator", "_PyMem_GetCurrentAllocatorName"],
  ...["malloc", "calloc", "realloc", "free", "memalign", "sbrk", "getenv", "write"],
  ...["malloc_footprint", "malloc_footprint_limit", "malloc_set_footprint_limit"],
  ...[
    "__wasm_call_ctors",
    "PyBool_FromLong",
    "PyLong_FromSize_t",
    "PyModule_AddObjectRef",
    "_PyRuntime",
  ],
];

/** What is needed besides, where the debug heap is to be linked in. */
const NEEDED_BY_PYDEBUG = ["PyMem_SetupDebugHooks", "PyGILState_Check", "_Py_FatalErrorFunc"];

/** CPython's debug hooks. */
interface Hooks {
  /** The context of the raw domain's; those of mem and object follow. */
  readonly context: Address;
  /** What stands in the records of raw, and in those of mem and object: places in the function table. */
  readonly functions: readonly Omit<AllocatorRecord, "ctx">[];
}

export interface Survey
  extends Pick<Program, "ownsMemory" | "memoryBase" | "heapBase" | "tableLength"> {
  /** Where the records of the domains are. */
  readonly records: { readonly raw: Address; readonly mem: Address; readonly object: Address };
  /** What stands in all of them at first: functions over the system malloc. */
  readonly system: Omit<AllocatorRecord, "ctx">;
  /** Where `sys` has its pointers to the functions of these names. */
  readonly methods: {
    readonly getallocatedblocks: Address;
    readonly _debugmallocstats: Address;
  };
  /** With the debug heap. */
  readonly hooks: Hooks | undefined;
}

const METH_NOARGS = 4;

type Exchange = (domain: number, record: Address) => void;

/** The record of a domain. It is passed in memory that nobody uses yet. */
function getAllocator(program: Program, domain: number): AllocatorRecord {
  functionOf<Exchange>(program, "PyMem_GetAllocator")(domain, program.heapBase);
  return recordAt(program.memory, program.heapBase);
}

/** Where the record of a domain is. */
function placeOf(program: Program, domain: number): Address {
  const runtime = addressOf(program, "_PyRuntime");
  const record = getAllocator(program, domain);
  const place = findRecord(program.memory, runtime, record, (other) => {
    writeRecord(program.memory, program.heapBase, other);
    functionOf<Exchange>(program, "PyMem_SetAllocator")(domain, program.heapBase);
  });
  if (place === undefined) {
    throw new LinkError("its PyMem_SetAllocator writes nothing into _PyRuntime");
  }
  return place;
}

/** Where a text begins that has a 0 on either side. */
function addressesOf(bytes: Buffer, text: string): Address[] {
  const found: Address[] = [];
  const bounded = Buffer.from(`\0${text}\0`);
  for (let at = bytes.indexOf(bounded); at >= 0; at = bytes.indexOf(bounded, at + 1)) {
    found.push(at + 1);
  }
  return found;
}

/** Where the function pointer is in the PyMethodDef (name, function, flags, text) of a function of `sys`. */
function findMethod({ memory, heapBase }: Program, name: string): Address {
  const bytes = Buffer.from(memory.buffer, 0, heapBase);
  const words = wordsAt(memory, 0, heapBase >>> 2);
  const found: Address[] = [];
  for (const text of addressesOf(bytes, name)) {
    for (let at = words.indexOf(text); at >= 0; at = words.indexOf(text, at + 1)) {
      const [, , flags = 0, doc = 0] = words.subarray(at, at + 4);
      const signature = `${name}($module`;
      const told = bytes.toString("latin1", doc, doc + signature.length);
      if (flags === METH_NOARGS && told === signature) found.push(4 * at + 4);
    }
  }
  const [method, ...more] = found;
  if (method === undefined || more.length > 0) {
    throw new LinkError(`it has ${found.length} functions sys.${name}, expected one`);
  }
  return method;
}

/** A context of debug hooks: a letter in a word, and the record that they stand on. */
const CONTEXT_BYTES = 24;
const LETTERS = "rmo";

/** Puts CPython's debug hooks on, and looks. @throws LinkError where they are not made as CPython's are */
function findHooks(program: Program): Hooks {
  const { memory } = program;
  const below = getAllocator(program, 0);
  functionOf<() => void>(program, "PyMem_SetupDebugHooks")();
  const [raw, mem, object] = [0, 1, 2].map((domain) => getAllocator(program, domain)) as [
    AllocatorRecord,
    AllocatorRecord,
    AllocatorRecord,
  ];
  const asExpected = [raw, mem, object].every(({ ctx }, domain) => {
    const letter = String.fromCharCode(...bytesAt(memory, ctx, 1));
    const kept = recordAt(memory, ctx + 4);
    const isHere = ctx === raw.ctx + domain * CONTEXT_BYTES && letter === LETTERS[domain];
    return isHere && Object.values(kept).join() === Object.values(below).join();
  });
  const { ctx: _, ...ofMem } = mem;
  const { ctx: __, ...ofObject } = object;
  const { ctx: context, ...ofRaw } = raw;
  if (!asExpected || Object.values(ofMem).join() !== Object.values(ofObject).join()) {
    throw new LinkError("its debug hooks are not made as CPython's are");
  }
  return { context, functions: [ofRaw, ofMem] };
}

/**
 * @param bytes the content of the program
 * @param glue the text of the JavaScript that belongs to the program
 * @param withPydebug is the debug heap to be linked in?
 * @throws LinkError for what is no Pyodide's program, or one that is linked already
 */
export function survey(bytes: Uint8Array, glue: string, withPydebug: boolean): Survey {
  const module = compileProgram(bytes);
  const names = new Set(WebAssembly.Module.exports(module).map(({ name }) => name));
  if (names.has("pymalloc_root")) throw new LinkError("it was linked with pymalloc before");
  const needed = withPydebug ? [...NEEDED, ...NEEDED_BY_PYDEBUG] : NEEDED;
  const missing = needed.filter((name) => !names.has(name));
  if (missing.length > 0) {
    throw new LinkError(`it does not export ${missing.join(", ")}; is it a Pyodide's?`);
  }
  const program = instantiateProgram(bytes, module, glue);
  const { ownsMemory, memoryBase, heapBase, tableLength } = program;
  const [raw, mem, object] = [0, 1, 2].map((domain) =>
    Object.values(getAllocator(program, domain)).join(),
  );
  if (mem !== raw || object !== raw) {
    throw new LinkError("its families have different allocators already: it needs no other");
  }
  const { ctx: _, ...system } = getAllocator(program, 0);
  const places = {
    raw: placeOf(program, 0),
    mem: placeOf(program, 1),
    object: placeOf(program, 2),
  };
  return {
    ...{ ownsMemory, memoryBase, heapBase, tableLength },
    records: places,
    system,
    methods: {
      getallocatedblocks: findMethod(program, "getallocatedblocks"),
      _debugmallocstats: findMethod(program, "_debugmallocstats"),
    },
    // The last of all: it changes the program.
    hooks: withPydebug ? findHooks(program) : undefined,
  };
}
