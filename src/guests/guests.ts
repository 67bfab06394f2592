/** Guests: WebAssembly programs, written in C for example, that share a heap's memory and call its functions. */
import { byCNames, late } from "../domains.js";
import { isObject, show } from "../errors.js";
import { debugLayout, layout } from "../generated/modules.js";
import type { Host } from "../hosts/host.js";
import { type MemoryViews, unsigned } from "../memory.js";
import type { Objects } from "../objects.js";
import type { Address, Domain, DomainName } from "../types.js";
import { type GuestBinary, type MemoryDescription, readGuest } from "./binary.js";
import { type Control, FunctionTable, GuestControl } from "./control.js";

const PAGE = 65536;

/** The module that a guest's functions are imported from (`include/pymalloc.h`). */
const MODULE = "pymalloc";

const TABLE = "__indirect_function_table";

/** Functions after which others are in force: a guest that calls them has its own looked up at each call. */
const exchanging = ["PyMem_SetAllocator", "PyMem_SetupDebugHooks"];

/** The object functions that guests call. */
const objectFunctions = [
  "PyObject_New",
  "PyObject_NewVar",
  "PyObject_Init",
  "PyObject_InitVar",
  "PyObject_Del",
  "Py_INCREF",
  "Py_DECREF",
] as const;

/** What guests need of their heap. */
export interface GuestHeap {
  readonly host: Host;
  readonly views: MemoryViews;
  readonly objects: Objects;
  readonly control: Control;
  /** The functions in force: these objects' members are exchanged. */
  readonly domains: Readonly<Record<DomainName, Domain>>;
  /** Where the pool begins that an address lies in; 0 when it is in none. */
  poolOf(p: Address): Address;
  /** Are debug hooks on the object domain? */
  debug(): boolean;
}

/** Functions by their names in C. */
type Functions = Record<string, CallableFunction>;

function fail(problem: string): never {
  throw new TypeError(`instantiate: ${problem}`);
}

export class Guests {
  readonly #heap: GuestHeap;

  constructor(heap: GuestHeap) {
    this.#heap = heap;
  }

  /** See `Heap.imports`. */
  imports(table: () => WebAssembly.Table | undefined): WebAssembly.Imports {
    return this.#importsOf(table, false);
  }

  /** See `Heap.instantiate`. */
  instantiate(source: BufferSource, imports: WebAssembly.Imports): WebAssembly.Instance {
    const bytes = readBytes(source);
    if (!isObject(imports)) fail(`imports is ${show(imports)}, expected an object of modules`);
    const guest = readGuest(bytes);
    const memory = this.#requireMemory(guest.memory);
    const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
    const wanted = WebAssembly.Module.imports(module);
    const exchanges = wanted.some(
      ({ module, name }) => module === MODULE && exchanging.includes(name),
    );
    let instance: WebAssembly.Instance | undefined;
    const table = () => instance?.exports[TABLE] as WebAssembly.Table | undefined;
    const { env, ...ours } = this.#importsOf(table, exchanges);
    const all: Record<string, WebAssembly.ModuleImports> = { ...imports, ...ours };
    all[memory.module] = {
      ...all[memory.module],
      [memory.name]: env?.["memory"] as WebAssembly.Memory,
    };
    for (const { module, name } of wanted) requireImport(all, module, name);
    this.#makePlace(guest);
    instance = new WebAssembly.Instance(module, all);
    // A reactor's constructors; a command has `_start`, which its user calls.
    const { _initialize: initialize } = instance.exports;
    if (typeof initialize === "function") initialize();
    return instance;
  }

  #importsOf(table: () => WebAssembly.Table | undefined, exchanges: boolean): WebAssembly.Imports {
    const { host, views, control } = this.#heap;
    const pointers = new FunctionTable(table);
    const functions: Functions = {
      ...byCNames(this.#domains(exchanges)),
      ...this.#objects(exchanges),
      ...new GuestControl(control, views, pointers).functions(),
      PyType_Ready: (type: Address) => this.#readyType(type, pointers),
      malloc_usable_size: (p: Address) => this.#usableSize(p),
    };
    return { [MODULE]: functions as WebAssembly.ModuleImports, env: { memory: host.memory } };
  }

  #domains(exchanges: boolean): Readonly<Record<DomainName, Domain>> {
    const { raw, mem, object } = this.#heap.domains;
    if (!exchanges) return { raw, mem, object };
    return { raw: late(() => raw), mem: late(() => mem), object: late(() => object) };
  }

  #objects(exchanges: boolean): Functions {
    const { objects } = this.#heap;
    const { functions } = objects;
    const now = (name: (typeof objectFunctions)[number]): CallableFunction => {
      if (!exchanges) return functions[name];
      return (...args: number[]) =>
        (objects.functions[name] as (...args: number[]) => unknown)(...args);
    };
    return Object.fromEntries(objectFunctions.map((name) => [name, now(name)]));
  }

  #readyType(type: Address, pointers: FunctionTable): number {
    this.#heap.objects.readyType(type, (pointer) => {
      const dealloc = pointers.at(pointer, "PyType_Ready: tp_dealloc");
      return (object) => void dealloc(object);
    });
    return 0;
  }

  /** The bytes that a guest may use of a block of the object domain; 0 for NULL, and where nobody knows. */
  #usableSize(p: Address): number {
    const { host, views, poolOf, debug } = this.#heap;
    if (p === 0) return 0;
    if (debug()) {
      // CPython's frame: the size stands in front, big-endian. What is behind it is a pad.
      const frame = new DataView(views.memory.buffer, unsigned(p) - debugLayout.FRONT, 4);
      return frame.getUint32(0);
    }
    const pool = poolOf(p);
    if (pool !== 0) return views.u16[(pool + layout.POOL_BLOCK_SIZE) >>> 1] as number;
    return host.own?.usableSize(p) ?? 0;
  }

  #requireMemory(memory: MemoryDescription | undefined): { module: string; name: string } {
    const { own } = this.#heap.host;
    if (own === undefined) {
      fail(
        "the heap's memory is someone else's, expected a heap that createHeap made a memory for",
      );
    }
    if (memory?.from === undefined) {
      const found = memory === undefined ? "no memory" : "a memory of its own";
      fail(`the guest has ${found}, expected it to import one: link it with -Wl,--import-memory`);
    }
    const { addressBits, maximumPages, shared, from } = memory;
    if (addressBits !== 32) {
      fail(`the guest's pointers have ${addressBits} bits, expected 32: build it for wasm32`);
    }
    if (shared) fail("the guest's memory is shared between threads, expected one that is not");
    if (maximumPages !== undefined && maximumPages < own.maximumPages) {
      fail(
        `the guest's memory has at most ${maximumPages * PAGE} bytes, the heap's up to ` +
          `${own.maximumPages * PAGE}: expected no --max-memory, or createHeap's maximumBytes to be no more`,
      );
    }
    return from;
  }

  /** The memory up to the guest's end becomes the guest's: its data, its stack. */
  #makePlace({ memory, dataStart, stackStart, variables, functionNames }: GuestBinary): void {
    const { own } = this.#heap.host;
    const { minimumPages } = memory as MemoryDescription;
    if (own === undefined || (dataStart === undefined && !variables)) return;
    if (functionNames.has("sbrk")) {
      fail(
        "the guest brings a malloc of its own, which takes the memory behind its data for itself: " +
          "expected include/pymalloc_malloc.c in its place",
      );
    }
    if (dataStart === undefined) {
      fail("the guest has no data that shows where it lies, expected it to include pymalloc.h");
    }
    const used = own.pagesInUse() * PAGE;
    if (dataStart < used) {
      fail(
        `the guest's data begins at ${dataStart}, expected ${used} or more, behind what the heap uses: ` +
          `link it with -Wl,--global-base=${used}, or instantiate it before the heap is used`,
      );
    }
    if (stackStart !== undefined && stackStart <= dataStart) {
      fail(
        `the guest's stack lies below ${stackStart}, expected it behind its data: link it with -Wl,--no-stack-first`,
      );
    }
    if (own.leave(minimumPages) === 0) {
      throw new RangeError(
        `instantiate: the guest needs ${minimumPages * PAGE} bytes, expected at most ` +
          `${own.maximumPages * PAGE} (maximumBytes), and so much memory`,
      );
    }
  }
}

function readBytes(source: unknown): Uint8Array {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (ArrayBuffer.isView(source)) {
    return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  }
  return fail(
    `bytes is ${show(source)}, expected the guest's binary, as an ArrayBuffer or a view of one`,
  );
}

function requireImport(all: WebAssembly.Imports, module: string, name: string): void {
  if (all[module]?.[name] !== undefined) return;
  const whose = module === MODULE ? "a function of pymalloc.h" : "it in `imports`";
  fail(`the guest imports ${show(`${module}.${name}`)}, expected ${whose}`);
}
