/** CPython's table of allocators, in an interpreter that runs in WebAssembly. */
import {
  type Address,
  adapterModule,
  type Binary,
  type Domain,
  instantiate,
  outOfMemory,
  type PyMemFunctions,
  unsigned,
  wordsAt,
} from "../base/base.js";
import { type EmscriptenProgram, emscriptenProgram } from "../hosts/hosts.js";

/** The program behind the object that `loadPyodide` gives. @throws TypeError when it is none */
export function programOf(pyodide: object | undefined, where: string): EmscriptenProgram {
  return emscriptenProgram((pyodide as { _module?: unknown } | undefined)?._module, where);
}

/** CPython's numbers of the domains. */
export const Domains = { raw: 0, mem: 1, object: 2 } as const;

/** The fields of a PyMemAllocatorEx: the context and four indices into the function table. */
export interface AllocatorRecord {
  readonly ctx: number;
  readonly malloc: number;
  readonly calloc: number;
  readonly realloc: number;
  readonly free: number;
}

const RECORD_BYTES = 20;

/** Where a record has its function free. */
export const FREE_IN_RECORD = 16;

/** The words of a record. */
function wordsOf({ ctx, malloc, calloc, realloc, free }: AllocatorRecord): number[] {
  return [ctx, malloc, calloc, realloc, free];
}

/** The record at an address. */
export function recordAt(memory: WebAssembly.Memory, at: Address): AllocatorRecord {
  const words = wordsAt(memory, at, RECORD_BYTES / 4);
  const [ctx = 0, malloc = 0, calloc = 0, realloc = 0, free = 0] = words;
  return { ctx, malloc, calloc, realloc, free };
}

/** Writes a record to an address. */
export function writeRecord(
  memory: WebAssembly.Memory,
  at: Address,
  record: AllocatorRecord,
): void {
  wordsAt(memory, at, RECORD_BYTES / 4).set(wordsOf(record));
}

/** A context that nobody has. */
const MARK = 0x5e10de50;

/** How far into `_PyRuntime` the records may be. */
const RUNTIME_BYTES = 16384;

/**
 * Where CPython has the record of a domain: where a mark appears that it is given for a moment.
 *
 * @param runtime the address of `_PyRuntime`
 * @param record what the domain has
 * @param set gives it another one
 * @returns undefined where the mark does not appear
 */
export function findRecord(
  memory: WebAssembly.Memory,
  runtime: Address,
  record: AllocatorRecord,
  set: (record: AllocatorRecord) => void,
): Address | undefined {
  const marked = { ...record, ctx: MARK };
  const mark = wordsOf(marked);
  set(marked);
  const words = wordsAt(memory, runtime, RUNTIME_BYTES / 4);
  const at = words.findIndex((_, from) => mark.every((word, n) => words[from + n] === word));
  set(record);
  return at < 0 ? undefined : runtime + 4 * at;
}

/** PyMem_GetAllocator and PyMem_SetAllocator for records that are JavaScript objects. */
export class AllocatorTable {
  readonly #program: EmscriptenProgram;
  readonly #get: (domain: number, record: Address) => void;
  readonly #set: (domain: number, record: Address) => void;

  constructor(program: EmscriptenProgram) {
    this.#program = program;
    this.#get = program.require("PyMem_GetAllocator");
    this.#set = program.require("PyMem_SetAllocator");
  }

  #withRecord<T>(use: (record: Address) => T): T {
    const { malloc } = this.#program;
    const record = unsigned(malloc.malloc(RECORD_BYTES));
    if (record === 0) throw outOfMemory("PyMem_SetAllocator: out of memory");
    try {
      return use(record);
    } finally {
      malloc.free(record);
    }
  }

  get(domain: number): AllocatorRecord {
    return this.#withRecord((record) => {
      this.#get(domain, record);
      return recordAt(this.#program.memory, record);
    });
  }

  set(domain: number, record: AllocatorRecord): void {
    this.#withRecord((at) => {
      writeRecord(this.#program.memory, at, record);
      this.#set(domain, at);
    });
  }
}

/** Where CPython has the function free of a domain; undefined where `_PyRuntime` is not to be found. */
export function placeOfFree(program: EmscriptenProgram, domain: number): Address | undefined {
  const runtime = program.addressOf("_PyRuntime");
  if (runtime === undefined) return undefined;
  const table = new AllocatorTable(program);
  const set = (record: AllocatorRecord) => table.set(domain, record);
  const record = findRecord(program.memory, runtime, table.get(domain), set);
  return record === undefined ? undefined : record + FREE_IN_RECORD;
}

/** Puts functions with a context in front into the function table. */
export function recordOf(
  program: EmscriptenProgram,
  ctx: number,
  functions: PyMemFunctions,
): AllocatorRecord {
  const first = program.table.grow(4);
  const { pyMalloc, pyCalloc, pyRealloc, pyFree } = functions;
  for (const [index, entry] of [pyMalloc, pyCalloc, pyRealloc, pyFree].entries()) {
    program.table.set(first + index, entry);
  }
  return { ctx, malloc: first, calloc: first + 1, realloc: first + 2, free: first + 3 };
}

/** The functions behind a record, without their context, and without a way through JavaScript. */
export function functionsOf(
  { memory, table }: Pick<EmscriptenProgram, "memory" | "table">,
  record: AllocatorRecord,
): Domain {
  const imports = { env: { memory, table }, ...pointersOf(record) };
  return instantiate(adapterModule, imports) as unknown as Domain;
}

/**
 * Puts instances of a module of ours in front of the allocators of mem and object. They pass on.
 *
 * @param binary whose name is also that of `imports` among its imports
 */
export function interpose<T extends PyMemFunctions>(
  program: EmscriptenProgram,
  binary: Binary,
  imports: Record<string, WebAssembly.ImportValue>,
): { readonly instances: readonly T[]; remove(): void } {
  const allocators = new AllocatorTable(program);
  const { memory, table } = program;
  const placed = [Domains.mem, Domains.object].map((domain) => {
    const before = allocators.get(domain);
    const all = { env: { memory, table }, [binary.name]: imports, ...pointersOf(before) };
    const instance = instantiate(binary, all) as unknown as T;
    allocators.set(domain, recordOf(program, 0, instance));
    return { domain, before, instance };
  });
  return {
    instances: placed.map(({ instance }) => instance),
    remove() {
      for (const { domain, before } of placed) allocators.set(domain, before);
    },
  };
}

/** What python/wasm/pointers.ts imports. */
export function pointersOf({
  ctx,
  malloc,
  calloc,
  realloc,
  free,
}: AllocatorRecord): WebAssembly.Imports {
  const pointers = { ctx, mallocPointer: malloc, callocPointer: calloc };
  return { pointers: { ...pointers, reallocPointer: realloc, freePointer: free } };
}
