/**
 * Pyodide's program without Python: instantiated, but never started, its malloc works on an untouched memory. So
 * it is Emscripten's dlmalloc as it is in every Pyodide, and the mimalloc that CPython has built in.
 */
import { readFileSync } from "node:fs";
import { unsigned } from "../base/base.js";
import { pyodideFile } from "../interpreter/interpreter.js";
import { stubImports } from "../link/link.js";
import { reasonOf, UsageError } from "../process/process.js";

/** What we use of the program's exports. */
export interface BareProgram {
  readonly memory: WebAssembly.Memory;
  readonly table: WebAssembly.Table;
  readonly malloc: (bytes: number) => number;
  readonly calloc: (count: number, size: number) => number;
  readonly realloc: (p: number, bytes: number) => number;
  readonly free: (p: number) => void;
  readonly memalign: (alignment: number, bytes: number) => number;
  /** Moves the end of the heap; `sbrk(0)` is where it is. */
  readonly sbrk: (bytes: number) => number;
}

let compiled: WebAssembly.Module | undefined;

/**
 * A new instance with a memory of its own.
 * @throws UsageError where Pyodide is not installed, or is one that doesn't go without its JavaScript
 */
export function bareProgram(): BareProgram {
  compiled ??= compile(pyodideFile("pyodide.asm.wasm"));
  return instantiate(compiled);
}

function compile(file: string): WebAssembly.Module {
  let module: WebAssembly.Module;
  try {
    module = new WebAssembly.Module(readFileSync(file));
  } catch (error) {
    throw new UsageError(`${file} can't be compiled (${reasonOf(error)}); is it damaged?`);
  }
  // Up to 0.29 the memory is made by its JavaScript.
  if (WebAssembly.Module.exports(module).some(({ name }) => name === "memory")) return module;
  throw new UsageError(`replay takes its allocators from a Pyodide of 314 or newer, not ${file}`);
}

/** Only the growth of the memory has to work. */
function instantiate(module: WebAssembly.Module): BareProgram {
  const grow = (bytes: number): number => {
    const { byteLength } = memory.buffer;
    const missing = unsigned(bytes) - byteLength;
    // By a fifth more, as Emscripten does: to grow a memory is dear.
    for (const more of [Math.max(missing, byteLength / 5), missing]) {
      try {
        memory.grow(Math.ceil(more / 65536));
        return 1;
      } catch {
        // less, perhaps
      }
    }
    return 0;
  };
  const imports = stubImports(module, { emscripten_resize_heap: grow });
  const { exports } = new WebAssembly.Instance(module, imports);
  const { memory } = exports as unknown as BareProgram;
  const table = exports["__indirect_function_table"] as WebAssembly.Table;
  return { ...exports, memory, table } as unknown as BareProgram;
}
