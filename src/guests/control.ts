/** CPython's control functions for a guest: allocators as records in the memory, with pointers into its function table. */
import {
  type Address,
  type Allocator,
  type ArenaAllocator,
  type DomainName,
  type DomainNumber,
  instantiate,
  type MemoryViews,
  thunksModule,
  typeError,
} from "../../base/base.js";
import { allocatorMembers, arenaMembers } from "../domains.js";

/** The heap's own functions, which take JavaScript's records. */
export interface Control {
  getAllocator(domain: DomainName | DomainNumber): Allocator;
  setAllocator(domain: DomainName | DomainNumber, allocator: Allocator): void;
  setupDebugHooks(): void;
  getArenaAllocator(): ArenaAllocator;
  setArenaAllocator(allocator: ArenaAllocator): void;
}

/** What is wrong. */
export function noFunction(where: string, pointer: number): string {
  return `${where}: the pointer is ${pointer}, expected one to a function`;
}

/** A function of the guest's that a pointer points to. */
type Pointed = (...args: unknown[]) => unknown;

/** The guest's function table, in which pointers are found and new ones are placed. */
export class FunctionTable {
  readonly #table: () => WebAssembly.Table | undefined;

  constructor(table: () => WebAssembly.Table | undefined) {
    this.#table = table;
  }

  #require(where: string): WebAssembly.Table {
    const table = this.#table();
    if (table instanceof WebAssembly.Table) return table;
    throw typeError(
      `${where}: the guest's function table is not known, expected an export ` +
        "__indirect_function_table: link the guest with -Wl,--export-table",
    );
  }

  /** @throws TypeError when the pointer points to no function */
  at(pointer: number, where: string): Pointed {
    const table = this.#require(where);
    const found: unknown = pointer < table.length ? table.get(pointer) : null;
    if (typeof found === "function") return found as Pointed;
    throw typeError(noFunction(where, pointer));
  }

  /** Puts functions of WebAssembly into the table; the first one's pointer. */
  place(functions: readonly CallableFunction[], where: string): number {
    const table = this.#require(where);
    let first: number;
    try {
      first = table.grow(functions.length);
    } catch {
      throw typeError(
        `${where}: the guest's function table can't grow: link the guest with -Wl,--growable-table`,
      );
    }
    for (const [i, member] of functions.entries()) table.set(first + i, member);
    return first;
  }
}

type Hook = Allocator | ArenaAllocator;

/** The exports of src/guests/wasm/thunks.ts. */
interface Thunks {
  malloc(ctx: number, bytes: number): Address;
  calloc(ctx: number, count: number, size: number): Address;
  realloc(ctx: number, p: Address, bytes: number): Address;
  free(ctx: number, p: Address): void;
  arenaFree(ctx: number, p: Address, bytes: number): void;
}

/** The members of src/guests/wasm/thunks.ts that are placed in a guest's table, in this order; and those that a record points to. */
const placed: readonly (keyof Thunks)[] = ["malloc", "calloc", "realloc", "free", "arenaFree"];
const pointedTo = { allocator: [0, 1, 2, 3], arenas: [0, 4] } as const;

/**
 * The control functions of one guest.
 *
 * What it gets of records of JavaScript's are the same five functions for all of them, which find out by their context
 * which one is meant: so a guest's table has five entries more at most, however many there are.
 */
export class GuestControl {
  readonly #control: Control;
  readonly #views: MemoryViews;
  readonly #table: FunctionTable;
  /** JavaScript's records that the guest has seen: the place here is the context that it gets. */
  readonly #seen: Hook[] = [];
  /** The pointer to the first function placed in the table; 0 while there is none. */
  #first = 0;
  /** What the guest sees of a record that is in force, so that it gets and gives back the very same. */
  readonly #words = new WeakMap<Hook, readonly number[]>();
  /** The record in force last, of the guest's own that it set. */
  readonly #own = new Map<string, Hook>();

  constructor(control: Control, views: MemoryViews, table: FunctionTable) {
    this.#control = control;
    this.#views = views;
    this.#table = table;
  }

  /** By their names in C. */
  functions(): Record<string, CallableFunction> {
    const control = this.#control;
    return {
      PyMem_GetAllocator: (domain: DomainNumber, record: Address) => {
        const allocator = control.getAllocator(domain);
        this.#write(record, this.#wordsOf(allocator, "allocator", "PyMem_GetAllocator"));
      },
      PyMem_SetAllocator: (domain: DomainNumber, record: Address) => {
        const words = this.#read(record, 1 + allocatorMembers.length);
        const key = `${domain}: ${words}`;
        const allocator = this.#recordOf(key, words, allocatorMembers, "PyMem_SetAllocator");
        control.setAllocator(domain, allocator as Allocator);
        this.#remember(key, words, control.getAllocator(domain));
      },
      PyMem_SetupDebugHooks: () => control.setupDebugHooks(),
      PyObject_GetArenaAllocator: (record: Address) => {
        const arenas = control.getArenaAllocator();
        this.#write(record, this.#wordsOf(arenas, "arenas", "PyObject_GetArenaAllocator"));
      },
      PyObject_SetArenaAllocator: (record: Address) => {
        const words = this.#read(record, 1 + arenaMembers.length);
        const key = `arenas: ${words}`;
        const arenas = this.#recordOf(key, words, arenaMembers, "PyObject_SetArenaAllocator");
        control.setArenaAllocator(arenas as ArenaAllocator);
        this.#remember(key, words, control.getArenaAllocator());
      },
    };
  }

  #read(record: Address, count: number): number[] {
    const start = record >>> 2;
    return [...this.#views.u32.subarray(start, start + count)];
  }

  #write(record: Address, words: readonly number[]): void {
    this.#views.u32.set(words, record >>> 2);
  }

  #remember(key: string, words: readonly number[], inForce: Hook): void {
    this.#words.set(inForce, words);
    if (!this.#isOurs(words)) this.#own.set(key, inForce);
  }

  /** Are the functions that a guest's record points to all those that were placed for it? */
  #isOurs([, ...pointers]: readonly number[]): boolean {
    const kind = pointers.length === 2 ? pointedTo.arenas : pointedTo.allocator;
    return this.#first !== 0 && pointers.every((p, i) => p === this.#first + (kind[i] as number));
  }

  /** What a guest's record stands for: one that it got from here, one that it set before, or a new one. */
  #recordOf(
    key: string,
    words: readonly number[],
    members: readonly string[],
    where: string,
  ): Hook {
    const [ctx, ...pointers] = words as [number, ...number[]];
    if (this.#isOurs(words)) return this.#seenAt(ctx);
    const known = this.#own.get(key);
    if (known !== undefined) return known;
    const functions = members.map((name, i) => [
      name,
      this.#table.at(pointers[i] as number, `${where}: ${name}`),
    ]);
    return { ctx, ...Object.fromEntries(functions) };
  }

  #seenAt(ctx: number): Hook {
    const record = this.#seen[ctx];
    if (record !== undefined) return record;
    throw typeError(
      `PyMemAllocatorEx: ctx is ${ctx}, expected the one that came with the functions`,
    );
  }

  /** A record as the guest can call it. */
  #wordsOf(record: Hook, kind: keyof typeof pointedTo, where: string): readonly number[] {
    let words = this.#words.get(record);
    if (words === undefined) {
      if (this.#first === 0) this.#first = this.#table.place(this.#thunks(), where);
      const ctx = this.#seen.push(record) - 1;
      words = [ctx, ...pointedTo[kind].map((at) => this.#first + at)];
      this.#words.set(record, words);
    }
    return words;
  }

  /** Functions of WebAssembly, as a table needs them, that call the record which their context says. */
  #thunks(): CallableFunction[] {
    const allocator = (ctx: number) => this.#seenAt(ctx) as Allocator;
    const arenas = (ctx: number) => this.#seenAt(ctx) as ArenaAllocator;
    const imports = {
      hostMalloc: (at: number, bytes: number) => {
        const record = this.#seenAt(at);
        if ("malloc" in record) return record.malloc(record.ctx, bytes);
        return record.alloc(record.ctx, bytes);
      },
      hostCalloc: (at: number, count: number, size: number) =>
        allocator(at).calloc(allocator(at).ctx, count, size),
      hostRealloc: (at: number, p: Address, bytes: number) =>
        allocator(at).realloc(allocator(at).ctx, p, bytes),
      hostFree: (at: number, p: Address) => allocator(at).free(allocator(at).ctx, p),
      hostArenaFree: (at: number, p: Address, bytes: number) =>
        arenas(at).free(arenas(at).ctx, p, bytes),
    };
    const { memory } = this.#views;
    const thunks = instantiate(thunksModule, { env: { memory }, thunks: imports });
    return placed.map((name) => thunks[name] as CallableFunction);
  }
}
