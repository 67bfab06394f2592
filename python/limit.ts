/**
 * How much memory an interpreter may take. Its system malloc, dlmalloc, keeps the limit; ours (core/limit) hold a reserve for
 * whoever handles the MemoryError, and see what was refused.
 *
 * All state is in linear memory: the limit in dlmalloc's, the reserve in a word of its own.
 */
import {
  type Address,
  conflict,
  instantiate,
  limitModule,
  outOfMemory,
  PAGE,
  show,
  typeError,
  unsigned,
} from "../base/base.js";
import type { EmscriptenProgram } from "../hosts/hosts.js";
import { type AllocatorRecord, AllocatorTable, pointersOf } from "./records.js";

/** What `onLimit` is told of, in bytes. */
export interface LimitBudget {
  /** How far the heap may reach, from address 0 on. */
  readonly limit: number;
  /** How far it reaches: what was freed below that is counted, too. */
  readonly inUse: number;
  /** What was asked for, and refused. There may be more free memory than that, but not in one piece. */
  readonly requested: number;
}

/** Called when a request of Python's was refused. */
export type LimitHandler = (budget: LimitBudget) => void;

/** The exports of python/wasm/limit.ts. */
interface LimitFunctions {
  pyMalloc: unknown;
  pyCalloc: unknown;
  pyRealloc: unknown;
  told: unknown;
  setLimit(bytes: number): void;
}

/** The longest limit: a memory of 4 GiB less a page. */
const MOST = 2 ** 32 - PAGE;

/**
 * A limit as the user gives it: from a page of 64 KiB to 4 GiB less a page, or undefined for none.
 * @param where begins the message, and names it
 * @throws TypeError for anything else
 */
export function readLimit(value: unknown, where: string): number | undefined {
  const bytes = value as number | undefined;
  if (bytes === undefined || (Number.isInteger(bytes) && bytes >= PAGE && bytes <= MOST))
    return bytes;
  throw typeError(
    `${where} is ${show(value)}, expected a whole number of bytes from ${PAGE} to ${MOST}, or undefined for no limit`,
  );
}

/** How far the heap of an interpreter may reach, in bytes from address 0 on; 0 where there is no limit. */
export function limitOf(program: EmscriptenProgram): number {
  const most = unsigned(program.require<() => number>("malloc_footprint_limit")());
  return most === 2 ** 32 - 1 ? 0 : belowHeap(program) + most;
}

/** What lies below dlmalloc's part of the memory, in bytes. */
function belowHeap(program: EmscriptenProgram): number {
  return program.break() - unsigned(program.require<() => number>("malloc_footprint")());
}

/**
 * @throws Error where others than dlmalloc take memory: no limit of its would hold them. (CPython's mimalloc does, since 3.13,
 * with sbrk; Emscripten's mmap asks dlmalloc.)
 */
export function requireDlmalloc(program: EmscriptenProgram, where: string): void {
  const begin = program.addressOf("pymalloc_heap") ?? program.heapBase;
  if (belowHeap(program) === begin) return;
  throw conflict(
    `${where}: this interpreter takes memory that is not the system malloc's, and no limit would hold that; ` +
      "start it without PYTHONMALLOC=mimalloc",
  );
}

/**
 * Has Emscripten's memory end where the heap does. It makes the memory up to 20 % longer than it was asked for, so what is less
 * than that is enough: dlmalloc asks for nothing beyond the limit.
 */
function endWithHeap(program: EmscriptenProgram): void {
  const { memory } = program;
  const { grow } = memory;
  memory.grow = (pages) => {
    const limit = limitOf(program);
    const room = Math.ceil(limit / PAGE) - memory.buffer.byteLength / PAGE;
    return grow.call(memory, limit === 0 || room <= 0 ? pages : Math.min(pages, room));
  };
}

/** What `Limit` is told of its interpreter. */
export interface LimitOptions {
  /** The domains that say at last that there is no memory: see `Takeover`. Of no interest where limits are linked in. */
  readonly refusing: readonly number[];
  /** It must throw nothing. */
  readonly onLimit: LimitHandler | undefined;
  /** Throws where functions that are put in front of CPython's now would be taken out again. */
  readonly requireUntraced: () => void;
}

/** The limit of an interpreter, which has one of these. */
export class Limit {
  readonly #program: EmscriptenProgram;
  readonly #options: LimitOptions;
  /** Sets the limit, 0 for none; undefined until that is asked for. */
  #set: ((bytes: number) => void) | undefined;

  constructor(program: EmscriptenProgram, options: LimitOptions) {
    this.#program = program;
    this.#options = options;
    // A linked program may have one that it tells nobody of.
    if (options.onLimit !== undefined) this.set(this.bytes);
  }

  /** How far the heap may reach; undefined where there is no limit. */
  get bytes(): number | undefined {
    return limitOf(this.#program) || undefined;
  }

  /**
   * @param bytes what `readLimit` gave
   * @throws Error where others than dlmalloc take memory, or while tracemalloc is tracing
   * @throws RangeError where there is no memory for the state
   */
  set(bytes: number | undefined): void {
    if (bytes === undefined && this.bytes === undefined) return;
    this.#set ??= this.#prepare();
    this.#set(bytes ?? 0);
  }

  #prepare(): (bytes: number) => void {
    const program = this.#program;
    requireDlmalloc(program, "setLimit");
    const isLinked = program.addressOf("pymalloc_heap") !== undefined;
    const set = isLinked ? this.#tellingOf() : this.#placed();
    endWithHeap(program);
    return set;
  }

  /** The functions of ours in front of an allocator, with the reserve's state in a word of their own. */
  #functions(cell: Address, record: Partial<AllocatorRecord> = {}): LimitFunctions {
    const { memory, table, malloc, require } = this.#program;
    const { onLimit } = this.#options;
    const host = {
      reserveCell: cell,
      systemMalloc: malloc.malloc,
      systemFree: malloc.free,
      sbrk: require("sbrk"),
      footprint: require("malloc_footprint"),
      footprintLimit: require("malloc_footprint_limit"),
      setFootprintLimit: require("malloc_set_footprint_limit"),
      tell: (requested: number) =>
        onLimit?.({
          limit: limitOf(this.#program),
          inUse: this.#program.break(),
          requested: unsigned(requested),
        }),
    };
    const pointers = pointersOf({ ctx: 0, malloc: 0, calloc: 0, realloc: 0, free: 0, ...record });
    const imports = { env: { memory, table }, "limit-host": host, ...pointers };
    return instantiate(limitModule, imports) as unknown as LimitFunctions;
  }

  /** Where limits are linked in, the interpreter only has to know whom to tell. */
  #tellingOf(): (bytes: number) => void {
    const program = this.#program;
    const limitTo = program.require<(bytes: number, told: number) => void>("pymalloc_set_limit");
    const { onLimit } = this.#options;
    const told = onLimit === undefined ? 0 : inTable(program, [this.#functions(0).told]);
    return (bytes) => limitTo(bytes, told);
  }

  /** Puts ours in front of CPython's allocators. Whose `free` it is stays so: see `barenessOf` of takeover.ts. */
  #placed(): (bytes: number) => void {
    const { refusing, requireUntraced } = this.#options;
    requireUntraced();
    const program = this.#program;
    const cell = unsigned(program.malloc.calloc(1, 4));
    if (cell === 0) throw outOfMemory("setLimit: out of memory");
    const table = new AllocatorTable(program);
    const [functions] = refusing.map((domain) => {
      const record = table.get(domain);
      const functions = this.#functions(cell, record);
      const { pyMalloc, pyCalloc, pyRealloc } = functions;
      const malloc = inTable(program, [pyMalloc, pyCalloc, pyRealloc]);
      table.set(domain, { ...record, malloc, calloc: malloc + 1, realloc: malloc + 2 });
      return functions;
    });
    return (functions as LimitFunctions).setLimit;
  }
}

/** Puts functions into the table; the first one's place. */
function inTable({ table }: EmscriptenProgram, functions: readonly unknown[]): number {
  const first = table.grow(functions.length);
  for (const [at, entry] of functions.entries()) table.set(first + at, entry);
  return first;
}
