/** Domains: the core's functions by domain, and CPython's allocator records (PyMemAllocatorEx) around them. */
import type { Core, DebugCore } from "./core.js";
import { isObject, requireFunctions, show } from "./errors.js";
import type { Address, Allocator, Domain, DomainName, DomainNumber } from "./types.js";

export const domainNames: readonly DomainName[] = ["raw", "mem", "object"];

export function readDomain(domain: DomainName | DomainNumber, where: string): DomainName {
  const name = typeof domain === "number" ? domainNames[domain] : domain;
  if (name === undefined || !domainNames.includes(name)) {
    throw new TypeError(
      `${where}: domain is ${show(domain)}, expected raw, mem or object, or 0, 1 or 2`,
    );
  }
  return name;
}

export function requireMembers(value: object, names: readonly string[], where: string): void {
  if (!isObject(value)) throw new TypeError(`${where}: expected an object, got ${show(value)}`);
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

/** The allocator's functions without their context: one call more, and only where a hook was set. */
export function bind(allocator: Allocator): Domain {
  const { ctx } = allocator;
  return {
    malloc: (bytes) => allocator.malloc(ctx, bytes),
    calloc: (count, size) => allocator.calloc(ctx, count, size),
    realloc: (p, bytes) => allocator.realloc(ctx, p, bytes),
    free: (p) => allocator.free(ctx, p),
  };
}

/** The functions of all domains by their names in C. */
export function byCNames(
  domains: Readonly<Record<DomainName, Domain>>,
): Record<string, CallableFunction> {
  const families = { PyMem_Raw: domains.raw, PyMem_: domains.mem, PyObject_: domains.object };
  return Object.fromEntries(
    Object.entries(families).flatMap(([prefix, { malloc, calloc, realloc, free }]) => [
      [`${prefix}Malloc`, malloc],
      [`${prefix}Calloc`, calloc],
      [`${prefix}Realloc`, realloc],
      [`${prefix}Free`, free],
    ]),
  );
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
  return Object.freeze({
    ctx: null,
    malloc: (_ctx: unknown, bytes: number) => domain().malloc(bytes),
    calloc: (_ctx: unknown, count: number, size: number) => domain().calloc(count, size),
    realloc: (_ctx: unknown, p: Address, bytes: number) => domain().realloc(p, bytes),
    free: (_ctx: unknown, p: Address) => domain().free(p),
  });
}

/** A record of its own, as C copies the struct: what its owner changes later does not reach the heap. */
export function copyOf(allocator: Allocator): Allocator {
  return Object.freeze({
    ctx: allocator.ctx,
    malloc: allocator.malloc.bind(allocator),
    calloc: allocator.calloc.bind(allocator),
    realloc: allocator.realloc.bind(allocator),
    free: allocator.free.bind(allocator),
  });
}
