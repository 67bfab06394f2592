/** The compiled core: the modules, made once a process, and their instances, one or more a heap. */

import { unsigned } from "./address.js";
import { bytesOf } from "./binary-text.js";
import { coreModule, layout } from "./generated/core.js";
import { bytesAt } from "./memory.js";
import type { Binary, HeapModules } from "./modules.js";
import type { Address, Domain, DomainName, SystemMalloc } from "./types.js";

/** The functions of a PyMemAllocatorEx. */
export interface PyMemFunctions {
  pyMalloc(ctx: number, bytes: number): Address;
  pyCalloc(ctx: number, count: number, size: number): Address;
  pyRealloc(ctx: number, p: Address, bytes: number): Address;
  pyFree(ctx: number, p: Address): void;
}

/** The exports of core/programs/core.ts that are functions. */
export interface Core extends Domain, PyMemFunctions {
  rawMalloc(bytes: number): Address;
  rawCalloc(count: number, size: number): Address;
  rawRealloc(p: Address, bytes: number): Address;
  rawFree(p: Address): void;
  /** @param indent 8 where the blocks of pools have to be at multiples of 16 if their size is one; 0 by default */
  initialize(indent?: number): void;
  addressInRange(p: Address): number;
  poolOf(p: Address): Address;
  allocatedBlocks(): number;
  stats(): number;
}

/** The exports of core/programs/debug.ts that are functions. The context of CPython's four is the family's number. */
export type DebugCore = PyMemFunctions & {
  readonly [Name in `${DomainName}Debug${Capitalize<keyof Domain>}`]: Name extends `${string}Debug${infer Verb}`
    ? Domain[Uncapitalize<Verb> & keyof Domain]
    : never;
} & {
  initialize(): void;
  /** Reports each block that is damaged. */
  validate(): void;
  /** The bytes that were asked for of a live block of mem or object; 0 where none begins. */
  sizeAt(p: Address): number;
  /** Was this block made before the debug mode was on? Then nothing is known of it. */
  isEarlier(p: Address): number;
  /** Has the host's `fault` called. */
  fault(): void;
};

const compiled = new Map<string, WebAssembly.Module>();

/** Has `instantiate` take these modules, which it would otherwise compile. */
export function useModules(modules: HeapModules): void {
  for (const [name, module] of Object.entries(modules)) {
    if (module !== undefined) compiled.set(name, module);
  }
}

/** @throws CompileError, where the host forbids it, that says what to do */
function compile({ name, code }: Binary): WebAssembly.Module {
  if (typeof code !== "string") return code;
  try {
    return new WebAssembly.Module(bytesOf(code));
  } catch (error) {
    if (!(error instanceof WebAssembly.CompileError)) throw error;
    const file = `"pymalloc/wasm/${name}.wasm"`;
    const help = `hand it in compiled, with createHeap({ modules: { ${name} } }), imported from ${file}`;
    throw new WebAssembly.CompileError(`no module ${name}: ${error.message}; ${help}`);
  }
}

/** Instantiates one of our modules; each is decoded and compiled at its first use. */
export function instantiate(binary: Binary, imports: WebAssembly.Imports): WebAssembly.Exports {
  let module = compiled.get(binary.name);
  if (module === undefined) {
    module = compile(binary);
    compiled.set(binary.name, module);
  }
  return new WebAssembly.Instance(module, imports).exports;
}

/** What the core takes arenas from: see core/heap/heap-host.ts. */
export interface ArenaSource {
  /** An arena, into which it has written how long it is; 0 for none. */
  alloc(): Address;
  free(p: Address, bytes: number): void;
}

const functionTable = /* @__PURE__ */ new WebAssembly.Table({ element: "anyfunc", initial: 1 });

/** Is this a function of WebAssembly's, which alone may be in a table? */
export function isWebAssembly(candidate: CallableFunction): boolean {
  try {
    functionTable.set(0, candidate);
    functionTable.set(0, null);
    return true;
  } catch {
    return false;
  }
}

/** What the core resizes its tables with; see core/heap/heap-host.ts. A realloc of JavaScript's may use the heap. */
function tablesOf(memory: WebAssembly.Memory, { malloc, realloc, free }: SystemMalloc) {
  if (isWebAssembly(realloc)) return { tableRealloc: realloc, tableFree() {} };
  const tableRealloc = (p: Address, bytes: number): Address => {
    const moved = malloc(bytes);
    // It is longer than what it is a copy of: what follows that in the memory may be anything.
    if (moved !== 0 && p !== 0) {
      const all = bytesAt(memory, 0, memory.buffer.byteLength);
      all.copyWithin(unsigned(moved), unsigned(p), unsigned(p) + bytes);
    }
    return moved;
  };
  return { tableRealloc, tableFree: free };
}

/** A word of the memory, and what it is as long as the raw domain is the bare system malloc. */
export interface Bareness {
  readonly word: Address;
  readonly value: number;
}

/**
 * A core over `memory` whose heap is at `root`. Two with one root are one heap, so a heap whose raw
 * domain or arena allocator is exchanged simply gets another core: the fast paths know nothing of it.
 *
 * @param bareness where the raw domain is not always the same; by default it is bare when it is `system` itself
 */
export function instantiateCore(
  memory: WebAssembly.Memory,
  root: Address,
  system: SystemMalloc,
  raw: Domain,
  arenas: ArenaSource,
  // The first word of the lists is always 0.
  bareness: Bareness = { word: root + layout.LISTS, value: raw === system ? 0 : 1 },
): Core {
  const host = {
    root,
    malloc: raw.malloc,
    calloc: raw.calloc,
    realloc: raw.realloc,
    free: raw.free,
    bareWord: bareness.word,
    bareIf: bareness.value,
    systemFree: system.free,
    ...tablesOf(memory, system),
    arenaAlloc: arenas.alloc,
    arenaFree: arenas.free,
  };
  return instantiate(coreModule, { env: { memory }, "heap-host": host }) as unknown as Core;
}
