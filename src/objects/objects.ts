/** Objects: the checks that a guest does without, in front of the functions of core/objects/. */
import {
  type Address,
  type Domain,
  hex,
  instantiate,
  isAddress,
  objectsLayout as layout,
  loadWord,
  type MemoryViews,
  objectsModule,
  show,
  storeWord,
  unsigned,
} from "../../base/base.js";
import type { FieldTypes, ScalarType } from "./fields.js";
import {
  nameAt,
  type ResolvedType,
  readDefinition,
  type Shape,
  shapeAt,
  shapeOf,
  showShape,
  type TypeDefinition,
  TypeObject,
  typeAt,
} from "./type-object.js";

/** The exports of core/programs/objects.ts that are functions. */
export interface ObjectFunctions {
  PyObject_New(type: Address): Address;
  PyObject_NewVar(type: Address, n: number): Address;
  PyObject_Init(p: Address, type: Address): Address;
  PyObject_InitVar(p: Address, type: Address, n: number): Address;
  PyObject_Del(p: Address): void;
  Py_INCREF(p: Address): void;
  Py_DECREF(p: Address): void;
  numberDealloc(): number;
  initializeType(p: Address, name: Address, size: number, itemsize: number, dealloc: number): void;
}

function shown(p: unknown): string {
  return typeof p === "number" ? hex(p) : show(p);
}

/** The objects of a heap. What it keeps outside the memory are the deallocs, by their number. */
export class Objects {
  readonly #views: MemoryViews;
  readonly #root: Address;
  readonly #raw: Domain;
  readonly #object: Domain;
  readonly #deallocs = new Map<number, (p: Address) => void>();
  /** What the first failed dealloc threw, until the outermost Py_DECREF rethrows it. */
  #failure: { readonly error: unknown } | undefined;
  #instance: ObjectFunctions | undefined;

  /** `root`: OBJECTS_ROOT_SIZE bytes, zeros at first. The domains' functions may be exchanged: see `rebind`. */
  constructor(views: MemoryViews, root: Address, raw: Domain, object: Domain) {
    this.#views = views;
    this.#root = root;
    this.#raw = raw;
    this.#object = object;
  }

  /** To be called when the object domain has other functions: the next call gets an instance over those. */
  rebind(): void {
    this.#instance = undefined;
  }

  /** Unchecked, as guests have them. Made when first needed; all state is in the memory: one is as good as another. */
  get functions(): ObjectFunctions {
    if (this.#instance === undefined) {
      const { malloc, free } = this.#object;
      const host = {
        root: this.#root,
        malloc,
        free,
        dealloc: (number: number, p: Address) => this.#dealloc(number, unsigned(p)),
        raise: () => this.#raise(),
      };
      const imports = { env: { memory: this.#views.memory }, "object-host": host };
      this.#instance = instantiate(objectsModule, imports) as unknown as ObjectFunctions;
    }
    return this.#instance;
  }

  #dealloc(number: number, p: Address): number {
    try {
      const dealloc = this.#deallocs.get(number);
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
    throw new TypeError(
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
    const refused = u32[at] as number;
    const p = u32[(this.#root + layout.REFUSED_OBJECT) >>> 2] as Address;
    u32[at] = 0;
    switch (refused) {
      case layout.REFUSED_INCREF:
        return dead("Py_INCREF", p);
      case layout.REFUSED_DECREF:
        return dead("Py_DECREF", p);
      case layout.REFUSED_INIT:
        return waits("PyObject_Init", p, "expected memory without an object");
      case layout.REFUSED_INIT_VAR:
        return waits("PyObject_InitVar", p, "expected memory without an object");
      case layout.REFUSED_DEL:
        return waits("PyObject_Del", p, "which frees it");
      default:
        return undefined;
    }
  }

  defineType<F extends FieldTypes, Items extends ScalarType | undefined>(
    definition: TypeDefinition<F, Items>,
  ): TypeObject<F, Items> {
    const type = readDefinition(definition, "defineType");
    this.#requireMetatype();
    const number = type.dealloc === undefined ? 0 : this.functions.numberDealloc();
    const address = this.#writeType(type.name, shapeOf(type), number);
    this.#setWord(address + layout.NEXT_TYPE, this.#word(this.#root + layout.TYPES));
    this.#setWord(this.#root + layout.TYPES, address);
    if (type.dealloc !== undefined) this.#deallocs.set(number, type.dealloc);
    return new TypeObject<F, Items>(this, this.#views, address, type);
  }

  adoptType<F extends FieldTypes, Items extends ScalarType | undefined>(
    definition: TypeDefinition<F, Items>,
  ): TypeObject<F, Items> {
    const type = readDefinition(definition, "adoptType");
    const address = this.#findType(type);
    if (type.dealloc !== undefined) {
      const number = this.#word(address + layout.TP_DEALLOC);
      const known = this.#deallocs.has(number);
      if (number === 0 || known) {
        const found = `type ${show(type.name)} has ${known ? "its dealloc already" : "no dealloc"}`;
        throw new TypeError(`adoptType: ${found}, expected a definition without one`);
      }
      this.#deallocs.set(number, type.dealloc);
    }
    return new TypeObject<F, Items>(this, this.#views, address, type);
  }

  /** @throws TypeError unless just one type has the name and the shape of the definition */
  #findType(type: ResolvedType): Address {
    const all = new Map<Address, string>();
    let next = this.#word(this.#root + layout.TYPES);
    // A list that was overwritten may be a ring.
    for (; next !== 0 && !all.has(next); next = this.#word(next + layout.NEXT_TYPE)) {
      all.set(next, nameAt(this.#views, next));
    }
    const expected = showShape(shapeOf(type));
    const named = [...all.keys()].filter((address) => all.get(address) === type.name);
    const shapes = named.map((address) => showShape(shapeAt(this.#views, address)));
    const same = named.filter((_, i) => shapes[i] === expected);
    const [found] = same;
    if (found !== undefined && same.length === 1) return found;
    const name = show(type.name);
    if (same.length > 1) {
      throw new TypeError(`adoptType: the heap has ${same.length} types ${name} with ${expected}`);
    }
    if (named.length > 0) {
      const theirs = shapes.join(", and one with ");
      throw new TypeError(`adoptType: type ${name} has ${theirs}; expected ${expected}`);
    }
    const names = [...all.values()].map(show).join(", ") || "none: the heap has no types";
    throw new TypeError(`adoptType: name is ${name}, expected one of ${names}`);
  }

  /**
   * Makes a type of the struct that a guest has filled in (CPython: PyType_Ready); one that is a type already stays
   * as it is. @param deallocAt what the struct's function pointer points to
   */
  readyType(p: Address, deallocAt: (pointer: number) => (object: Address) => void): void {
    this.#requireMetatype();
    if (typeAt(this.#views, p) === this.#metatype) return;
    const field = (offset: number) => this.#views.u32[(p + offset) >>> 2] as number;
    const pointer = field(layout.TP_DEALLOC);
    const dealloc = pointer === 0 ? undefined : deallocAt(pointer);
    const number = dealloc === undefined ? 0 : this.functions.numberDealloc();
    const [name, basicsize, itemsize] = [layout.TP_NAME, layout.TP_BASICSIZE, layout.TP_ITEMSIZE];
    this.functions.initializeType(p, field(name), field(basicsize), field(itemsize), number);
    if (dealloc !== undefined) this.#deallocs.set(number, dealloc);
  }

  #requireMetatype(): void {
    if (this.#metatype !== 0) return;
    const basicsize: number = layout.TYPE_SIZE;
    this.#writeType("type", { basicsize, itemsize: 0, description: "" }, 0);
  }

  /** A PyTypeObject, and its texts behind it. From the raw domain, as C's static types are in no pool either. */
  #writeType(name: string, { basicsize, itemsize, description }: Shape, dealloc: number): Address {
    const texts = new TextEncoder().encode(`${name}\0${description}\0`);
    const p = unsigned(this.#raw.malloc(layout.HEAP_TYPE_SIZE + texts.length));
    if (p === 0) throw new RangeError(`defineType: the memory has no room for the type ${name}`);
    this.#views.u8.set(texts, p + layout.HEAP_TYPE_SIZE);
    this.functions.initializeType(p, p + layout.HEAP_TYPE_SIZE, basicsize, itemsize, dealloc);
    return p;
  }

  #word(p: Address): number {
    return loadWord(this.#views.memory, p);
  }

  #setWord(p: Address, value: number): void {
    storeWord(this.#views.memory, p, value);
  }

  /** Address of the type of all types; 0 before the first type. */
  get #metatype(): Address {
    return this.#views.u32[(this.#root + layout.METATYPE) >>> 2] as Address;
  }

  // ----------------------------------------------------------------------------- birth

  PyObject_New(type: TypeObject): Address {
    this.#requireType(type, "PyObject_New", false);
    return unsigned(this.functions.PyObject_New(type.address));
  }

  PyObject_NewVar(type: TypeObject, n: number): Address {
    this.#requireType(type, "PyObject_NewVar", true);
    requireCount(type, n, "PyObject_NewVar");
    return unsigned(this.functions.PyObject_NewVar(type.address, n));
  }

  PyObject_Init(p: Address, type: TypeObject): Address {
    this.#requireType(type, "PyObject_Init", false);
    if (p === 0) return 0;
    this.#requirePlace(p, type.basicsize, type.alignment, "PyObject_Init");
    return unsigned(this.functions.PyObject_Init(p, type.address));
  }

  PyObject_InitVar(p: Address, type: TypeObject, n: number): Address {
    this.#requireType(type, "PyObject_InitVar", true);
    requireCount(type, n, "PyObject_InitVar");
    if (p === 0) return 0;
    const bytes = type.basicsize + n * type.itemsize;
    this.#requirePlace(p, bytes, type.alignment, "PyObject_InitVar");
    return unsigned(this.functions.PyObject_InitVar(p, type.address, n));
  }

  #requireType(type: unknown, where: string, items: boolean): void {
    if (!TypeObject.isOf(this, type)) {
      const expected = "a type that this heap's defineType made";
      throw new TypeError(`${where}: type is ${show(type)}, expected ${expected}`);
    }
    if (type.itemsize > 0 !== items) {
      const expected = items
        ? "a type with an itemsize"
        : "one without (PyObject_NewVar is for it)";
      const found = `${type.name}, with itemsize ${type.itemsize}`;
      throw new TypeError(`${where}: type is ${found}, expected ${expected}`);
    }
  }

  #requirePlace(p: unknown, bytes: number, alignment: number, where: string): void {
    const start = isAddress(p) ? unsigned(p) : Number.NaN;
    const { byteLength } = this.#views.memory.buffer;
    if (start % alignment === 0 && start + bytes <= byteLength) return;
    const expected = `${bytes} bytes of the memory, at a multiple of ${alignment}`;
    throw new RangeError(`${where}: p is ${shown(p)}, expected ${expected}`);
  }

  // ----------------------------------------------------------------------------- life and death

  Py_INCREF(p: Address): void {
    this.#typeOf(p, "Py_INCREF");
    this.functions.Py_INCREF(p);
  }

  Py_DECREF(p: Address): void {
    this.#typeOf(p, "Py_DECREF");
    this.functions.Py_DECREF(p);
  }

  PyObject_Del(p: Address): void {
    if (!isAddress(p)) throw new TypeError(`PyObject_Del: p is ${show(p)}, expected an address`);
    if (this.#metatype !== 0 && typeAt(this.#views, p) === this.#metatype) {
      throw new TypeError(
        `PyObject_Del: p is the type at ${hex(p)}: types live as long as the heap`,
      );
    }
    this.functions.PyObject_Del(p);
  }

  Py_REFCNT(p: Address): number {
    this.#typeOf(p, "Py_REFCNT");
    return this.#refcnt(p);
  }

  Py_TYPE(p: Address): Address {
    return this.#typeOf(p, "Py_TYPE");
  }

  Py_SIZE(p: Address): number {
    const type = this.#typeOf(p, "Py_SIZE");
    if (this.#views.u32[(type + layout.TP_ITEMSIZE) >>> 2] === 0) {
      const found = `of type ${nameAt(this.#views, type)}, which has no itemsize`;
      throw new TypeError(`Py_SIZE: ${hex(p)} is ${found}, expected an object of variable size`);
    }
    return this.#views.i32[(p + layout.OB_SIZE) >>> 2] as number;
  }

  /** 0 for what is dead: while an object waits for its dealloc, its link in the trashcan stands there. */
  #refcnt(p: Address): number {
    return Math.max(0, this.#views.i32[(p + layout.OB_REFCNT) >>> 2] as number);
  }

  /** @throws TypeError unless there is an object at `p`: its type's type is the metatype */
  #typeOf(p: Address, where: string): Address {
    const type = typeAt(this.#views, p);
    const metatype = this.#metatype;
    if (type === undefined || metatype === 0 || typeAt(this.#views, type) !== metatype) {
      throw new TypeError(`${where}: p is ${shown(p)}, expected an object of this heap`);
    }
    return type;
  }

  /** @throws TypeError when there is no object at `p`, RangeError when it is dead */
  requireLive(p: Address, where: string): void {
    this.#typeOf(p, where);
    if (this.#refcnt(p) === 0) throw dead(where, p);
  }
}

function dead(where: string, p: Address): RangeError {
  return new RangeError(`${where}: the object at ${hex(p)} has 0 references, expected at least 1`);
}

function waits(where: string, p: Address, why: string): RangeError {
  return new RangeError(
    `${where}: the object at ${hex(p)} is dead and waits for its dealloc, ${why}`,
  );
}

function requireCount({ basicsize, itemsize }: TypeObject, n: unknown, where: string): void {
  const most = Math.floor((layout.MAX_SIZE - basicsize) / itemsize);
  const expected = `a whole number of items from 0 to ${most}`;
  if (typeof n !== "number" || !Number.isInteger(n)) {
    throw new TypeError(`${where}: n is ${show(n)}, expected ${expected}`);
  }
  if (n < 0 || n > most) throw new RangeError(`${where}: n is ${n}, expected ${expected}`);
}

export type { Cursor, FieldArray, FieldType, FieldTypes, ScalarType } from "./fields.js";
export { Owned } from "./owned.js";
export type { TypeDefinition, TypeObject } from "./type-object.js";
