/** Objects: the checks that a guest does without, in front of the functions of core/objects/. */
import {
  type Address,
  type Domain,
  deadObject,
  hex,
  isAddress,
  objectsLayout as layout,
  type MemoryViews,
  rangeError,
  show,
  typeError,
  unsigned,
} from "../../base/base.js";
import { Types } from "./heap-types.js";
import type { ObjectFunctions } from "./object-functions.js";
import { instantiateObjects, type ObjectExports } from "./objects-module.js";
import { Owned } from "./owned.js";
import { dead, refusal } from "./refusals.js";
import { nameAt, TypeObject, typeAt } from "./type-object.js";

function shown(p: unknown): string {
  return typeof p === "number" ? hex(p) : show(p);
}

/** The objects of a heap. */
export class Objects implements ObjectFunctions {
  readonly #views: MemoryViews;
  readonly #root: Address;
  readonly #object: Domain;
  readonly #types: Types;
  /** What the first failed dealloc threw, until the outermost Py_DECREF rethrows it. */
  #failure: { readonly error: unknown } | undefined;
  #instance: ObjectExports | undefined;

  /** `root`: OBJECTS_ROOT_SIZE bytes, zeros at first. The domains' functions may be exchanged: see `rebind`. */
  constructor(views: MemoryViews, root: Address, raw: Domain, object: Domain) {
    this.#views = views;
    this.#root = root;
    this.#object = object;
    this.#types = new Types({ views, root, raw, functions: () => this.functions });
  }

  /** To be called when the object domain has other functions: the next call gets an instance over those. */
  rebind(): void {
    this.#instance = undefined;
  }

  /** Unchecked, as guests have them. Made when first needed. */
  get functions(): ObjectExports {
    if (this.#instance !== undefined) return this.#instance;
    const { malloc, free } = this.#object;
    this.#instance = instantiateObjects(this.#views.memory, {
      root: this.#root,
      malloc,
      free,
      dealloc: (number, p) => this.#dealloc(number, unsigned(p)),
      raise: () => this.#raise(),
    });
    return this.#instance;
  }

  #dealloc(number: number, p: Address): number {
    try {
      const dealloc = this.#types.deallocOf(number);
      if (dealloc === undefined) this.#refuse(p);
      else dealloc(p);
      return 1;
    } catch (error) {
      this.#failure ??= { error };
      return 0;
    }
  }

  /** The type is older than this heap object. The object gets its last reference back. */
  #refuse(p: Address): never {
    const type = typeAt(this.#views, p) as Address;
    this.functions.PyObject_Init(p, type);
    const name = nameAt(this.#views, type);
    throw typeError(
      `Py_DECREF: ${hex(p)} is of type ${show(name)}, whose dealloc is not known: ` +
        "expected a type that this heap's defineType made, or adoptType with a dealloc",
    );
  }

  #raise(): void {
    const refusal = this.#takeRefusal();
    if (refusal !== undefined) throw refusal;
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
  }

  /** What the module refused, as the root says, which forgets it. */
  #takeRefusal(): RangeError | undefined {
    const { u32 } = this.#views;
    const at = (this.#root + layout.REFUSED) >>> 2;
    const p = u32[(this.#root + layout.REFUSED_OBJECT) >>> 2] as Address;
    const message = refusal(u32[at] as number, hex(p));
    u32[at] = 0;
    return message === undefined ? undefined : deadObject(message);
  }

  // ----------------------------------------------------------------------------- types

  readonly defineType: ObjectFunctions["defineType"] = (definition) =>
    this.#types.defineType(definition);

  readonly adoptType: ObjectFunctions["adoptType"] = (definition) =>
    this.#types.adoptType(definition);

  /** See `Types.readyType`. */
  readyType(p: Address, deallocAt: (pointer: number) => (object: Address) => void): void {
    this.#types.readyType(p, deallocAt);
  }

  // ----------------------------------------------------------------------------- birth

  readonly newObject = (type: TypeObject): Address => {
    this.#requireType(type, "PyObject_New", false);
    return unsigned(this.functions.PyObject_New(type.address));
  };

  readonly newVarObject = (type: TypeObject, n: number): Address => {
    this.#requireType(type, "PyObject_NewVar", true);
    requireCount(type, n, "PyObject_NewVar");
    return unsigned(this.functions.PyObject_NewVar(type.address, n));
  };

  readonly initObject = (p: Address, type: TypeObject): Address => {
    this.#requireType(type, "PyObject_Init", false);
    if (p === 0) return 0;
    this.#requirePlace(p, type.basicsize, type.alignment, "PyObject_Init");
    return unsigned(this.functions.PyObject_Init(p, type.address));
  };

  readonly initVarObject = (p: Address, type: TypeObject, n: number): Address => {
    this.#requireType(type, "PyObject_InitVar", true);
    requireCount(type, n, "PyObject_InitVar");
    if (p === 0) return 0;
    const bytes = type.basicsize + n * type.itemsize;
    this.#requirePlace(p, bytes, type.alignment, "PyObject_InitVar");
    return unsigned(this.functions.PyObject_InitVar(p, type.address, n));
  };

  #requireType(type: unknown, where: string, items: boolean): void {
    if (!TypeObject.isOf(this.#types, type)) {
      const expected = "a type that this heap's defineType made";
      throw typeError(`${where}: type is ${show(type)}, expected ${expected}`);
    }
    if (type.itemsize > 0 !== items) {
      const expected = items
        ? "a type with an itemsize"
        : "one without (PyObject_NewVar is for it)";
      const found = `${type.name}, with itemsize ${type.itemsize}`;
      throw typeError(`${where}: type is ${found}, expected ${expected}`);
    }
  }

  #requirePlace(p: unknown, bytes: number, alignment: number, where: string): void {
    const start = isAddress(p) ? unsigned(p) : Number.NaN;
    const { byteLength } = this.#views.memory.buffer;
    if (start % alignment === 0 && start + bytes <= byteLength) return;
    const expected = `${bytes} bytes of the memory, at a multiple of ${alignment}`;
    throw rangeError(`${where}: p is ${shown(p)}, expected ${expected}`);
  }

  // ----------------------------------------------------------------------------- life and death

  readonly incref = (p: Address): void => {
    if (!isAddress(p) || this.functions.incref(p) === 0) throw noObject("Py_INCREF", p);
  };

  readonly decref = (p: Address): void => {
    if (!isAddress(p) || this.functions.decref(p) === 0) throw noObject("Py_DECREF", p);
  };

  readonly deleteObject = (p: Address): void => {
    if (!isAddress(p)) throw typeError(`PyObject_Del: p is ${show(p)}, expected an address`);
    const { metatype } = this.#types;
    if (metatype !== 0 && typeAt(this.#views, p) === metatype) {
      throw typeError(`PyObject_Del: p is the type at ${hex(p)}: types live as long as the heap`);
    }
    this.functions.PyObject_Del(p);
  };

  readonly refcount = (p: Address): number => {
    this.#typeOf(p, "Py_REFCNT");
    return this.#refcnt(p);
  };

  readonly typeOf = (p: Address): Address => this.#typeOf(p, "Py_TYPE");

  readonly itemCount = (p: Address): number => {
    const type = this.#typeOf(p, "Py_SIZE");
    if (this.#views.u32[(type + layout.TP_ITEMSIZE) >>> 2] === 0) {
      const found = `of type ${nameAt(this.#views, type)}, which has no itemsize`;
      throw typeError(`Py_SIZE: ${hex(p)} is ${found}, expected an object of variable size`);
    }
    return this.#views.i32[(p + layout.OB_SIZE) >>> 2] as number;
  };

  readonly own = (p: Address): Owned => {
    if (p !== 0) {
      this.#typeOf(p, "own");
      if (this.#refcnt(p) === 0) throw deadObject(dead("own", hex(p)));
    }
    return new Owned(p, this.decref);
  };

  /** 0 for what is dead: while an object waits for its dealloc, its link in the trashcan stands there. */
  #refcnt(p: Address): number {
    return Math.max(0, this.#views.i32[(p + layout.OB_REFCNT) >>> 2] as number);
  }

  /** @throws TypeError unless there is an object at `p`: its type's type is the metatype */
  #typeOf(p: Address, where: string): Address {
    const type = typeAt(this.#views, p);
    const { metatype } = this.#types;
    if (type === undefined || metatype === 0 || typeAt(this.#views, type) !== metatype) {
      throw noObject(where, p);
    }
    return type;
  }
}

function noObject(where: string, p: unknown): TypeError {
  return typeError(`${where}: p is ${shown(p)}, expected an object of this heap`);
}

function requireCount({ basicsize, itemsize }: TypeObject, n: unknown, where: string): void {
  const most = Math.floor((layout.MAX_SIZE - basicsize) / itemsize);
  const expected = `a whole number of items from 0 to ${most}`;
  if (typeof n !== "number" || !Number.isInteger(n)) {
    throw typeError(`${where}: n is ${show(n)}, expected ${expected}`);
  }
  if (n < 0 || n > most) throw rangeError(`${where}: n is ${n}, expected ${expected}`);
}

export type { Cursor, FieldArray, FieldType, FieldTypes, ScalarType, View } from "./fields.js";
export type { ObjectFunctions } from "./object-functions.js";
export type { Owned } from "./owned.js";
export { refusal } from "./refusals.js";
export type { TypeDefinition, TypeObject } from "./type-object.js";
