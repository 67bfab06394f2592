/** CPython's control functions for a guest: allocators as records in the memory, with pointers into its function table. */
import { instantiate, type Thunks } from "../core.js";
import { allocatorMembers, arenaMembers } from "../domains.js";
import type { MemoryViews } from "../memory.js";
import type { Address, Allocator, ArenaAllocator, DomainNumber } from "../types.js";

/** The heap's own functions, which take JavaScript's records. */
export interface Control {
  PyMem_GetAllocator(domain: DomainNumber): Allocator;
  PyMem_SetAllocator(domain: DomainNumber, allocator: Allocator): void;
  PyMem_SetupDebugHooks(): void;
  PyObject_GetArenaAllocator(): ArenaAllocator;
  PyObject_SetArenaAllocator(allocator: ArenaAllocator): void;
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
    throw new TypeError(
      `${where}: the guest's function table is not known, expected an export ` +
        "__indirect_function_table: link the guest with -Wl,--export-table",
    );
  }

  /** @throws TypeError when the pointer points to no function */
  at(pointer: number, where: string): Pointed {
    const table = this.#require(where);
    const found: unknown = pointer < table.length ? table.get(pointer) : null;
    if (typeof found === "function") return found as Pointed;
    throw new TypeError(`${where}: the pointer is ${pointer}, expected one to a function`);
  }

  /** Puts functions of WebAssembly into the table; the first one's pointer. */
  place(functions: readonly CallableFunction[], where: string): number {
    const table = this.#require(where);
    let first: number;
    try {
      first = table.grow(functions.length);
    } catch {
      throw new TypeError(
        `${where}: the guest's function table can't grow: link the guest with -Wl,--growable-table`,
      );
    }
    for (const [i, member] of functions.entries()) table.set(first + i, member);
    return first;
  }
}

/** The control functions of one guest. */
export class GuestControl {
  readonly #control: Control;
  readonly #views: MemoryViews;
  readonly #table: FunctionTable;
  /** Records that the guest has seen or set, so that it gets and gives back the very same ones. */
  readonly #words = new Map<object, readonly number[]>();

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
        this.#write(record, this.#wordsOf(control.PyMem_GetAllocator(domain)));
      },
      PyMem_SetAllocator: (domain: DomainNumber, record: Address) => {
        const words = this.#read(record, 1 + allocatorMembers.length);
        const allocator =
          this.#known(words) ?? this.#fromWords(words, allocatorMembers, "PyMem_SetAllocator");
        control.PyMem_SetAllocator(domain, allocator as Allocator);
        this.#words.set(control.PyMem_GetAllocator(domain), words);
      },
      PyMem_SetupDebugHooks: () => control.PyMem_SetupDebugHooks(),
      PyObject_GetArenaAllocator: (record: Address) => {
        this.#write(record, this.#arenaWordsOf(control.PyObject_GetArenaAllocator()));
      },
      PyObject_SetArenaAllocator: (record: Address) => {
        const words = this.#read(record, 1 + arenaMembers.length);
        const arenas =
          this.#known(words) ?? this.#fromWords(words, arenaMembers, "PyObject_SetArenaAllocator");
        control.PyObject_SetArenaAllocator(arenas as ArenaAllocator);
        this.#words.set(control.PyObject_GetArenaAllocator(), words);
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

  #known(words: readonly number[]): object | undefined {
    for (const [record, known] of this.#words) {
      if (known.length === words.length && known.every((word, i) => word === words[i]))
        return record;
    }
    return undefined;
  }

  #fromWords(words: readonly number[], members: readonly string[], where: string): object {
    const [ctx, ...pointers] = words;
    const functions = members.map((name, i) => [
      name,
      this.#table.at(pointers[i] as number, `${where}: ${name}`),
    ]);
    return { ctx, ...Object.fromEntries(functions) };
  }

  #wordsOf(allocator: Allocator): readonly number[] {
    const { ctx } = allocator;
    return this.#remember(allocator, "PyMem_GetAllocator", allocatorMembers, {
      hostMalloc: (_ctx: number, bytes: number) => allocator.malloc(ctx, bytes),
      hostCalloc: (_ctx: number, count: number, size: number) => allocator.calloc(ctx, count, size),
      hostRealloc: (_ctx: number, p: Address, bytes: number) => allocator.realloc(ctx, p, bytes),
      hostFree: (_ctx: number, p: Address) => allocator.free(ctx, p),
    });
  }

  #arenaWordsOf(arenas: ArenaAllocator): readonly number[] {
    const { ctx } = arenas;
    return this.#remember(arenas, "PyObject_GetArenaAllocator", ["malloc", "arenaFree"], {
      hostMalloc: (_ctx: number, bytes: number) => arenas.alloc(ctx, bytes),
      hostArenaFree: (_ctx: number, p: Address, bytes: number) => arenas.free(ctx, p, bytes),
    });
  }

  /** Gives a record of JavaScript's a form that the guest can call. */
  #remember(
    record: object,
    where: string,
    members: readonly (keyof Thunks)[],
    host: Record<string, CallableFunction>,
  ): readonly number[] {
    let words = this.#words.get(record);
    if (words === undefined) {
      const unused = () => 0;
      const names = ["hostMalloc", "hostCalloc", "hostRealloc", "hostFree", "hostArenaFree"];
      const all = Object.fromEntries(names.map((name) => [name, host[name] ?? unused]));
      const { memory } = this.#views;
      const thunks = instantiate("thunks", {
        env: { memory },
        thunks: all as WebAssembly.ModuleImports,
      });
      const functions = members.map((name) => thunks[name] as CallableFunction);
      const first = this.#table.place(functions, where);
      words = [0, ...members.map((_, i) => first + i)];
      this.#words.set(record, words);
    }
    return words;
  }
}
