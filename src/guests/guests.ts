/** Guests: WebAssembly programs, written in C for example, that share a heap's memory and call its functions. */

import {
  type Address,
  type Allocator,
  type Domain,
  type DomainName,
  isObject,
  layout,
  type MemoryViews,
  show,
  storeWord,
} from "../../base/base.js";
import type { Host } from "../../hosts/hosts.js";
import { byCNames, domainNames, late } from "../domains.js";
import type { Objects } from "../objects/objects.js";
import { readGuest } from "./binary.js";
import { type Control, FunctionTable, GuestControl } from "./control.js";
import {
  fail,
  makePlace,
  refuse64Bits,
  requireImport,
  requireMemory,
  requireOwn,
} from "./place.js";

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
  /** The bytes of a block of mem or object, as its debug hooks know it; undefined where they don't. */
  sizeAt(p: Address): number | undefined;
  /** From now on a debug mode's blocks of the object domain are at multiples of 16, those of 16 bytes and more. */
  alignDebugBlocks(): void;
}

/** Functions by their names in C. */
type Functions = Record<string, CallableFunction>;

export class Guests {
  readonly #heap: GuestHeap;
  #areExpected = false;
  /** Addresses of variables in guests: see `malloc_class_bit` in include/pymalloc_malloc.c. */
  readonly #classBits: Address[] = [];

  constructor(heap: GuestHeap) {
    this.#heap = heap;
  }

  /** See `Heap.imports`. */
  imports(table: () => WebAssembly.Table | undefined): WebAssembly.Imports {
    this.#expectGuests();
    return this.#importsOf(table, false);
  }

  /** See `Heap.instantiate`. */
  instantiate(source: BufferSource, imports: WebAssembly.Imports): WebAssembly.Instance {
    const bytes = readBytes(source);
    if (!isObject(imports)) fail(`imports is ${show(imports)}, expected an object of modules`);
    const own = requireOwn(this.#heap.host);
    const guest = readGuest(bytes);
    refuse64Bits(guest);
    const module = new WebAssembly.Module(bytes);
    const memory = requireMemory(guest, own);
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
    for (const what of wanted) {
      requireImport(all, what, what.module === MODULE ? "a function of pymalloc.h" : undefined);
    }
    const undo = this.#undoing(makePlace(guest, this.#heap.host.memory, own));
    this.#expectGuests();
    try {
      instance = new WebAssembly.Instance(module, all);
      // A reactor's constructors; a command has `_start`, which its user calls.
      const { _initialize: initialize } = instance.exports;
      if (typeof initialize === "function") initialize();
    } catch (error) {
      undo();
      throw error;
    }
    return instance;
  }

  /**
   * What puts everything back as it is now, when a guest has failed: the allocators that it set, which are in its table, and
   * its place. Blocks that it made stay, as after a program that ends without freeing them.
   */
  #undoing(givePlaceBack: () => void): () => void {
    const { control } = this.#heap;
    const allocators = domainNames.map((name) => control.getAllocator(name));
    const arenas = control.getArenaAllocator();
    const classBits = this.#classBits.length;
    return () => {
      for (const [i, name] of domainNames.entries()) {
        const before = allocators[i] as Allocator;
        if (control.getAllocator(name) !== before) control.setAllocator(name, before);
      }
      if (control.getArenaAllocator() !== arenas) {
        control.setArenaAllocator(arenas);
      }
      this.#classBits.length = classBits;
      givePlaceBack();
    };
  }

  #expectGuests(): void {
    this.#areExpected = true;
    this.rebind();
  }

  /** What changes for guests when a debug mode is switched on or off; after each change of allocators. */
  rebind(): void {
    const { host, debug, alignDebugBlocks } = this.#heap;
    if (this.#areExpected) alignDebugBlocks();
    const bit = debug() ? 0 : layout.ALIGNMENT;
    for (const address of this.#classBits) storeWord(host.memory, address, bit);
  }

  #importsOf(table: () => WebAssembly.Table | undefined, exchanges: boolean): WebAssembly.Imports {
    const { host, views, control } = this.#heap;
    const pointers = new FunctionTable(table);
    const functions: Functions = {
      ...byCNames(this.#domains(exchanges)),
      ...this.#objects(exchanges),
      ...new GuestControl(control, views, pointers).functions(),
      PyType_Ready: (type: Address) => this.#readyType(type, pointers),
      malloc_class_bit: (bit: Address) => {
        this.#classBits.push(bit);
        this.rebind();
      },
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
    if (p === 0) return 0;
    const { host, views, poolOf, sizeAt } = this.#heap;
    const known = sizeAt(p);
    if (known !== undefined) return known;
    const pool = poolOf(p);
    if (pool !== 0) return views.u16[(pool + layout.POOL_BLOCK_SIZE) >>> 1] as number;
    return host.own?.usableSize(p) ?? 0;
  }
}

function readBytes(source: unknown): Uint8Array<ArrayBuffer> {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (ArrayBuffer.isView(source)) {
    const bytes = new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
    // Nobody else may change it while it is read.
    return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : bytes.slice();
  }
  return fail(
    `bytes is ${show(source)}, expected the guest's binary, as an ArrayBuffer or a view of one`,
  );
}

export { type GuestBinary, readGuest } from "./binary.js";
export { noFunction } from "./control.js";
