/** What we need of a program that Emscripten linked with `MAIN_MODULE`, as Pyodide is. */
import { type Address, type SystemMalloc, show, typeError, unsigned } from "../base/base.js";

/** The part of Emscripten's `Module` that is read here. */
interface EmscriptenModule {
  readonly LDSO?: { readonly loadedLibsByName?: Record<string, { exports?: Exports } | undefined> };
}

type Exports = Record<string, unknown>;

/** The malloc family, the memory and the function table of the program itself. */
export interface EmscriptenProgram {
  /** Emscripten's `Module`: each instance of the program has one of its own. */
  readonly module: object;
  readonly memory: WebAssembly.Memory;
  readonly table: WebAssembly.Table;
  readonly malloc: SystemMalloc;
  /** An exported function. @throws TypeError that names it, when it is not exported */
  require<T extends (...parameters: never[]) => unknown>(name: string): T;
  /** Where an exported variable lies; undefined when it is not exported. */
  addressOf(name: string): Address | undefined;
  /** All that the program itself exports, without its libraries. */
  readonly exports: Exports;
  /** Where the heap begins, and where it ends now: it never shrinks, so this is also its peak. */
  readonly heapBase: Address;
  break(): Address;
}

/** Where all exported variables lie whose names a pattern fits. */
export function addressesIn(
  { exports }: EmscriptenProgram,
  names: RegExp,
): Record<string, Address> {
  const all: Record<string, Address> = {};
  for (const [name, value] of Object.entries(exports)) {
    const address = names.test(name) ? addressOf(value) : undefined;
    if (address !== undefined) all[name] = address;
  }
  return all;
}

/** What an exported function without parameters gives; 0 when it is not exported. It must not change anything. */
export function ask({ exports }: EmscriptenProgram, name: string): number {
  const value = exports[name];
  return typeof value === "function" ? unsigned(value()) : 0;
}

/** An exported address: a WebAssembly global, or a plain number in older versions of Emscripten. */
function addressOf(value: unknown): Address | undefined {
  const address = value instanceof WebAssembly.Global ? value.value : value;
  return typeof address === "number" ? unsigned(address) : undefined;
}

/**
 * Finds the WebAssembly exports of a running program.
 *
 * `Module._malloc` is a JavaScript function around the export where memories may grow beyond 2 GiB, and
 * a core that imports it leaves WebAssembly for every call. The dynamic linker has to know the exports
 * themselves, to give them to side modules, and keeps them in its list of loaded libraries.
 *
 * @throws TypeError when `module` is not such a program; `where` begins the message
 */
export function emscriptenProgram(module: unknown, where: string): EmscriptenProgram {
  const linker = (module as EmscriptenModule | undefined)?.LDSO?.loadedLibsByName;
  const exports = linker?.["__main__"]?.exports;
  if (exports === undefined) {
    throw typeError(
      `${where}: expected a running Pyodide (a program linked by Emscripten with its dynamic linker), got ${show(module)}`,
    );
  }
  const memory = exports["memory"];
  const table = exports["__indirect_function_table"];
  if (!(memory instanceof WebAssembly.Memory) || !(table instanceof WebAssembly.Table)) {
    throw typeError(`${where}: the program exports no memory or no function table`);
  }
  function require<T>(name: string): T {
    const value = (exports as Exports)[name];
    if (typeof value !== "function") {
      throw typeError(`${where}: the program does not export the function ${name}`);
    }
    return value as T;
  }
  const malloc: SystemMalloc = {
    malloc: require("malloc"),
    calloc: require("calloc"),
    realloc: require("realloc"),
    free: require("free"),
    memalign: require("memalign"),
  };
  const sbrk = require<(bytes: number) => Address>("sbrk");
  return {
    module: module as object,
    memory,
    table,
    malloc,
    require,
    addressOf: (name) => addressOf(exports[name]),
    exports,
    heapBase: addressOf(exports["__heap_base"]) as Address,
    break: () => unsigned(sbrk(0)),
  };
}
