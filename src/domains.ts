/** Domains: the core's functions by domain, and CPython's allocator records (PyMemAllocatorEx) around them. */
import {
  type Address,
  type Allocator,
  type ArenaAllocator,
  type Core,
  type DebugCore,
  type Domain,
  type DomainName,
  type DomainNumber,
  isObject,
  requireFunctions,
  show,
  typeError,
  unsigned,
} from "../base/base.js";

export const domainNames: readonly DomainName[] = ["raw", "mem", "object"];

/** What a domain may be, where something else was given. */
export const expectedDomain = "expected raw, mem or object, or 0, 1 or 2";

export function readDomain(domain: DomainName | DomainNumber, where: string): DomainName {
  const name = typeof domain === "number" ? domainNames[domain] : domain;
  if (name === undefined || !domainNames.includes(name)) {
    throw typeError(`${where}: domain is ${show(domain)}, ${expectedDomain}`);
  }
  return name;
}

export function requireMembers(value: object, names: readonly string[], where: string): void {
  if (!isObject(value)) throw typeError(`${where}: expected an object, got ${show(value)}`);
  requireFunctions(value, names, `${where}: `);
}

export function rawDomain(core: Core): Domain {
  const { rawMalloc, rawCalloc, rawRealloc, rawFree } = core;
  return { malloc: rawMalloc, calloc: rawCalloc, realloc: rawRealloc, free: rawFree };
}

export function objectDomain({ malloc, calloc, realloc, free }: Core): Domain {
  return { malloc, calloc, realloc, free };
}

/** A family's functions of the debug heap. */
export function debugDomain(core: DebugCore, name: DomainName): Domain {
  return {
    malloc: core[`${name}DebugMalloc`],
    calloc: core[`${name}DebugCalloc`],
    realloc: core[`${name}DebugRealloc`],
    free: core[`${name}DebugFree`],
  };
}

/** What is made at most once for each key. */
export function remembered<K extends object, V>(all: WeakMap<K, V>, key: K, make: () => V): V {
  const known = all.get(key);
  if (known !== undefined) return known;
  const made = make();
  all.set(key, made);
  return made;
}

/** What `bind` made of each record, so that a record that comes back brings the very functions back. */
const boundFunctions = new WeakMap<Allocator, Domain>();

/** A record's functions without their context: one call more, and only where a hook was set. */
export function bind(record: Allocator): Domain {
  return remembered(boundFunctions, record, () => {
    const { ctx } = record;
    return {
      malloc: (bytes) => record.malloc(ctx, bytes),
      calloc: (count, size) => record.calloc(ctx, count, size),
      realloc: (p, bytes) => record.realloc(ctx, p, bytes),
      free: (p) => record.free(ctx, p),
    };
  });
}

/** The functions of all domains by their names in C. */
export function byCNames({ raw, mem, object }: Readonly<Record<DomainName, Domain>>) {
  return {
    PyMem_RawMalloc: raw.malloc,
    PyMem_RawCalloc: raw.calloc,
    PyMem_RawRealloc: raw.realloc,
    PyMem_RawFree: raw.free,
    PyMem_Malloc: mem.malloc,
    PyMem_Calloc: mem.calloc,
    PyMem_Realloc: mem.realloc,
    PyMem_Free: mem.free,
    PyObject_Malloc: object.malloc,
    PyObject_Calloc: object.calloc,
    PyObject_Realloc: object.realloc,
    PyObject_Free: object.free,
  };
}

/** The functions in force at the time of the call. */
export function late(domain: () => Domain): Domain {
  return {
    malloc: (bytes) => domain().malloc(bytes),
    calloc: (count, size) => domain().calloc(count, size),
    realloc: (p, bytes) => domain().realloc(p, bytes),
    free: (p) => domain().free(p),
  };
}

/** The functions in force at the time of the call, with a context in front. */
export function withContext(domain: () => Domain): Allocator {
  return handedOut({
    ctx: null,
    malloc: (_ctx: unknown, bytes: number) => unsigned(domain().malloc(bytes)),
    calloc: (_ctx: unknown, count: number, size: number) => unsigned(domain().calloc(count, size)),
    realloc: (_ctx: unknown, p: Address, bytes: number) => unsigned(domain().realloc(p, bytes)),
    free: (_ctx: unknown, p: Address) => domain().free(p),
  });
}

/** The functions of the two records that hooks are: behind the context, in the structs' order. */
export const allocatorMembers = ["malloc", "calloc", "realloc", "free"] as const;
export const arenaMembers = ["alloc", "free"] as const;

/**
 * A record of its own, as C copies the struct: what its owner changes later does not reach the heap. Whoever calls them,
 * its functions get addresses and sizes as C has them, unsigned: a hook that remembers its blocks knows them again.
 */
export function copyOf<T extends Allocator | ArenaAllocator>(
  record: T,
  members: readonly (string & keyof T)[],
): T {
  const copies = members.map((name) => {
    const hook = record[name] as (ctx: unknown, ...numbers: number[]) => number;
    const call = (ctx: unknown, ...numbers: number[]) =>
      unsigned(hook.call(record, ctx, ...numbers.map(unsigned)));
    return [name, call];
  });
  return Object.freeze({ ctx: record.ctx, ...Object.fromEntries(copies) }) as T;
}

/** The records that heaps gave out, by their malloc. */
const records = new WeakMap<CallableFunction, Allocator>();

function handedOut(allocator: Allocator): Allocator {
  const record = Object.freeze(allocator);
  records.set(record.malloc, record);
  return record;
}

/**
 * A hook's member of this name says what stands in its place now that it was removed, and nothing before. (Registered,
 * since CommonJS has a copy of this file for each entry of the package.)
 */
export const replacement = Symbol.for("pymalloc.replacement");

/** A hook that can be removed while others stand on it. */
export interface RemovableHook extends Allocator {
  [replacement](): Allocator | undefined;
}

/** The record that stands in the place of this one: itself, or what is below the hooks that were removed. */
export function inForce(record: Allocator): Allocator {
  let found = record;
  for (let next: Allocator | undefined = found; next !== undefined; ) {
    found = next;
    next = (found as Partial<RemovableHook>)[replacement]?.();
  }
  return found;
}

/**
 * A record of its own, as C copies the struct: what its owner changes later does not reach the heap. As in C a copy
 * of a record's members is that record, so to set what was got changes nothing.
 */
export function recordOf(allocator: Allocator): Allocator {
  const known = records.get(allocator.malloc);
  if (known !== undefined && isSame(known, allocator)) return known;
  const hook = allocator as Partial<RemovableHook>;
  return handedOut({
    ...copyOf(allocator, allocatorMembers),
    ...(replacement in hook ? { [replacement]: hook[replacement] } : {}),
  });
}

function isSame(one: Allocator, other: Allocator): boolean {
  const members = ["ctx", "malloc", "calloc", "realloc", "free"] as const;
  return members.every((name) => Object.is(one[name], other[name]));
}
