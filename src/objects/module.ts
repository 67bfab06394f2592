/** The module that objects are made and counted by (core/programs/objects.ts). */
import { type Address, type Domain, instantiate } from "../../base/base.js";

/** Its functions. Guests call those that have CPython's names. */
export interface ObjectExports {
  PyObject_New(type: Address): Address;
  PyObject_NewVar(type: Address, n: number): Address;
  PyObject_Init(p: Address, type: Address): Address;
  PyObject_InitVar(p: Address, type: Address, n: number): Address;
  PyObject_Del(p: Address): void;
  Py_INCREF(p: Address): void;
  Py_DECREF(p: Address): void;
  /** Py_INCREF for any address; 0 where no object is. */
  incref(p: Address): number;
  /** Py_DECREF for any address; 0 where no object is. */
  decref(p: Address): number;
  numberDealloc(): number;
  initializeType(p: Address, name: Address, size: number, itemsize: number, dealloc: number): void;
}

/** What it imports; see core/objects/object-host.ts. */
export interface ObjectImports extends Pick<Domain, "malloc" | "free"> {
  readonly root: Address;
  dealloc(number: number, p: Address): number;
  raise(): void;
}

/** An instance of it: all state is in the memory, so one is as good as another. */
export function instantiateObjects(
  memory: WebAssembly.Memory,
  imports: ObjectImports,
): ObjectExports {
  const exports = instantiate("objects", { env: { memory }, "object-host": { ...imports } });
  // In an object of our own: engines look the names of a module's exports up at each call.
  return { ...exports } as unknown as ObjectExports;
}
