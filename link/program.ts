/**
 * A Pyodide's program without its Python: instantiated with imports that do nothing, and not started. So its memory
 * can be looked at, and its functions that need no interpreter can be called.
 */

import { type Address, unsigned } from "../base/base.js";
import { readGuest } from "../src/guests/guests.js";
import { LinkError } from "./errors.js";

/**
 * Where a program that imports its memory is put by its JavaScript: the first bytes of the memory and the first entry of
 * the table stand for nothing.
 */
const MEMORY_BASE = 1024;
const TABLE_BASE = 1;

/** What a memory has that a program imports: room for its data, within the limits that the program sets. */
const PAGES = 1024;

export interface Program {
  readonly exports: Readonly<Record<string, WebAssembly.ExportValue>>;
  readonly memory: WebAssembly.Memory;
  readonly table: WebAssembly.Table;
  /** Is the memory the program's own, or imported? */
  readonly ownsMemory: boolean;
  /** What its exported addresses are relative to. */
  readonly memoryBase: Address;
  readonly heapBase: Address;
  /** Entries of the function table, before anything is added. */
  readonly tableLength: number;
}

/** An import of the right kind for everything; those named here are real. */
export function stubImports(
  module: WebAssembly.Module,
  own: Readonly<Record<string, WebAssembly.ImportValue>> = {},
): WebAssembly.Imports {
  const stub: Record<string, () => WebAssembly.ImportValue> = {
    global: () => new WebAssembly.Global({ value: "i32", mutable: true }, 0),
    tag: () => new WebAssembly.Tag({ parameters: ["i32"] }) as unknown as WebAssembly.ImportValue,
    function: () => () => 0,
  };
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = own[name] ?? (stub[kind]?.() as WebAssembly.ImportValue);
  }
  return imports;
}

/** A number on which the program's JavaScript has to agree with it. */
function numberIn(glue: string, pattern: RegExp, what: string): number {
  const found = pattern.exec(glue)?.[1];
  if (found === undefined) throw new LinkError(`its JavaScript does not say ${what}`);
  return Number(found);
}

function ownMemory(module: WebAssembly.Module): Program {
  const { exports } = new WebAssembly.Instance(module, stubImports(module));
  const memory = exports["memory"] as WebAssembly.Memory;
  const table = exports["__indirect_function_table"] as WebAssembly.Table;
  const base = exports["__heap_base"];
  if (!(base instanceof WebAssembly.Global)) throw new LinkError("it does not export __heap_base");
  const fixed = { ownsMemory: true, memoryBase: 0, heapBase: unsigned(base.value as number) };
  return { exports, memory, table, ...fixed, tableLength: table.length };
}

/** Up to Pyodide 0.29 the memory and the table come from JavaScript, and addresses are only right after a call. */
function importedMemory(bytes: Uint8Array, module: WebAssembly.Module, glue: string): Program {
  const heapBase = numberIn(glue, /___heap_base=(\d+)/, "where the heap begins");
  const length = /WebAssembly\.Table\(\{"?initial"?:(\d+)/;
  const tableLength = numberIn(glue, length, "how long the function table is");
  // A custom build may have another maximum than Pyodide's 65,536.
  const { minimumPages = 0, maximumPages = 65536 } = readGuest(bytes).memory ?? {};
  const initial = Math.max(minimumPages, Math.min(PAGES, maximumPages));
  const memory = new WebAssembly.Memory({ initial, maximum: maximumPages });
  const table = new WebAssembly.Table({ initial: tableLength, element: "anyfunc" });
  const imports = stubImports(module, {
    memory,
    __indirect_function_table: table,
    __memory_base: MEMORY_BASE as unknown as WebAssembly.ImportValue,
    __table_base: TABLE_BASE as unknown as WebAssembly.ImportValue,
    __heap_base: new WebAssembly.Global({ value: "i32", mutable: true }, heapBase),
    __stack_pointer: new WebAssembly.Global({ value: "i32", mutable: true }, heapBase),
  });
  const { exports } = new WebAssembly.Instance(module, imports);
  (exports["__wasm_apply_data_relocs"] as (() => void) | undefined)?.();
  return {
    ...{ exports, memory, table, ownsMemory: false },
    ...{ memoryBase: MEMORY_BASE, heapBase, tableLength },
  };
}

/** @throws LinkError where it is none */
export function compileProgram(bytes: Uint8Array): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes as BufferSource);
  } catch (error) {
    throw new LinkError(`it is no WebAssembly that this engine takes: ${(error as Error).message}`);
  }
}

/**
 * @param bytes the content of `pyodide.asm.wasm`, and the same as a module
 * @param glue the text of the JavaScript that belongs to it
 */
export function instantiateProgram(
  bytes: Uint8Array,
  module: WebAssembly.Module,
  glue: string,
): Program {
  const ownsMemory = WebAssembly.Module.exports(module).some(({ name }) => name === "memory");
  return ownsMemory ? ownMemory(module) : importedMemory(bytes, module, glue);
}

/** An exported variable's address. */
export function addressOf({ exports, memoryBase }: Program, name: string): Address {
  return unsigned((exports[name] as WebAssembly.Global).value as number) + memoryBase;
}

/** An exported function. */
export function functionOf<T>({ exports }: Program, name: string): T {
  return exports[name] as T;
}
