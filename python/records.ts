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
const FREE = 16;

/** A context that nobody has. */
const MARK = 0x5e10de50;

/** How far into `_PyRuntime` the records may be. */
const RUNTIME_BYTES = 16384;

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

  #withRecord<T>(use: (record: Address, words: () => Uint32Array) => T): T {
    const { malloc, memory } = this.#program;
    const record = unsigned(malloc.malloc(RECORD_BYTES));
    if (record === 0) throw outOfMemory("PyMem_SetAllocator: out of memory");
    try {
      return use(record, () => wordsAt(memory, record, RECORD_BYTES / 4));
    } finally {
      malloc.free(record);
    }
  }

  get(domain: number): AllocatorRecord {
    return this.#withRecord((record, words) => {
      this.#get(domain, record);
      const [ctx = 0, malloc = 0, calloc = 0, realloc = 0, free = 0] = words();
      return { ctx, malloc, calloc, realloc, free };
    });
  }

  set(domain: number, { ctx, malloc, calloc, realloc, free }: AllocatorRecord): void {
    this.#withRecord((record, words) => {
      words().set([ctx, malloc, calloc, realloc, free]);
      this.#set(domain, record);
    });
  }
}

/**
 * Where the function free of a domain stands in CPython's memory: where a mark appears that its own function was given for a moment.
 * Undefined where `_PyRuntime` is not to be found.
 */
export function placeOfFree(program: EmscriptenProgram, domain: number): Address | undefined {
  const runtime = program.addressOf("_PyRuntime");
  if (runtime === undefined) return undefined;
  const table = new AllocatorTable(program);
  const before = table.get(domain);
  table.set(domain, { ...before, ctx: MARK });
  const words = wordsAt(program.memory, runtime, RUNTIME_BYTES / 4);
  const { malloc, calloc, realloc, free } = before;
  const marked = [MARK, malloc, calloc, realloc, free];
  const at = words.findIndex((_, from) => marked.every((word, n) => words[from + n] === word));
  table.set(domain, before);
  return at < 0 ? undefined : runtime + 4 * at + FREE;
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
