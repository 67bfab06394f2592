/** The types of a heap: made here, made of a guest's struct, or found in a memory that was taken over. */
import {
  type Address,
  type Domain,
  objectsLayout as layout,
  loadWord,
  type MemoryViews,
  outOfMemory,
  show,
  storeWord,
  typeError,
  unsigned,
} from "../../base/base.js";
import type { FieldTypes, ScalarType } from "./fields.js";
import type { ObjectExports } from "./objects-module.js";
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

/** What types need of their heap. */
export interface TypesHost {
  readonly views: MemoryViews;
  /** Where the module keeps its state. */
  readonly root: Address;
  readonly raw: Domain;
  /** The module's functions, as they are in force. */
  functions(): ObjectExports;
}

export class Types {
  readonly #host: TypesHost;
  /** The deallocs of the heap's types, by their numbers. */
  readonly #deallocs = new Map<number, (p: Address) => void>();

  constructor(host: TypesHost) {
    this.#host = host;
  }

  /** The dealloc with this number, as far as it is JavaScript's and known. */
  deallocOf(number: number): ((p: Address) => void) | undefined {
    return this.#deallocs.get(number);
  }

  defineType<F extends FieldTypes, Items extends ScalarType | undefined>(
    definition: TypeDefinition<F, Items>,
  ): TypeObject<F, Items> {
    const type = readDefinition(definition, "defineType");
    this.#requireMetatype();
    const number = type.dealloc === undefined ? 0 : this.#host.functions().numberDealloc();
    const address = this.#writeType(type.name, shapeOf(type), number);
    this.#setWord(address + layout.NEXT_TYPE, this.#word(this.#host.root + layout.TYPES));
    this.#setWord(this.#host.root + layout.TYPES, address);
    if (type.dealloc !== undefined) this.#deallocs.set(number, type.dealloc);
    return new TypeObject<F, Items>(this, this.#host.views, address, type);
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
        throw typeError(`adoptType: ${found}, expected a definition without one`);
      }
      this.#deallocs.set(number, type.dealloc);
    }
    return new TypeObject<F, Items>(this, this.#host.views, address, type);
  }

  /** @throws TypeError unless just one type has the name and the shape of the definition */
  #findType(type: ResolvedType): Address {
    const all = new Map<Address, string>();
    let next = this.#word(this.#host.root + layout.TYPES);
    // A list that was overwritten may be a ring.
    for (; next !== 0 && !all.has(next); next = this.#word(next + layout.NEXT_TYPE)) {
      all.set(next, nameAt(this.#host.views, next));
    }
    const expected = showShape(shapeOf(type));
    const named = [...all.keys()].filter((address) => all.get(address) === type.name);
    const shapes = named.map((address) => showShape(shapeAt(this.#host.views, address)));
    const same = named.filter((_, i) => shapes[i] === expected);
    const [found] = same;
    if (found !== undefined && same.length === 1) return found;
    const name = show(type.name);
    if (same.length > 1) {
      throw typeError(`adoptType: the heap has ${same.length} types ${name} with ${expected}`);
    }
    if (named.length > 0) {
      const theirs = shapes.join(", and one with ");
      throw typeError(`adoptType: type ${name} has ${theirs}; expected ${expected}`);
    }
    const names = [...all.values()].map(show).join(", ") || "none: the heap has no types";
    throw typeError(`adoptType: name is ${name}, expected one of ${names}`);
  }

  /**
   * Makes a type of the struct that a guest has filled in (CPython: PyType_Ready); one that is a type already stays
   * as it is. @param deallocAt what the struct's function pointer points to
   */
  readyType(p: Address, deallocAt: (pointer: number) => (object: Address) => void): void {
    this.#requireMetatype();
    if (typeAt(this.#host.views, p) === this.metatype) return;
    const field = (offset: number) => this.#host.views.u32[(p + offset) >>> 2] as number;
    const pointer = field(layout.TP_DEALLOC);
    const dealloc = pointer === 0 ? undefined : deallocAt(pointer);
    const number = dealloc === undefined ? 0 : this.#host.functions().numberDealloc();
    const [name, basicsize, itemsize] = [layout.TP_NAME, layout.TP_BASICSIZE, layout.TP_ITEMSIZE];
    this.#host
      .functions()
      .initializeType(p, field(name), field(basicsize), field(itemsize), number);
    if (dealloc !== undefined) this.#deallocs.set(number, dealloc);
  }

  #requireMetatype(): void {
    if (this.metatype !== 0) return;
    const basicsize: number = layout.TYPE_SIZE;
    this.#writeType("type", { basicsize, itemsize: 0, description: "" }, 0);
  }

  /** A PyTypeObject, and its texts behind it. From the raw domain, as C's static types are in no pool either. */
  #writeType(name: string, { basicsize, itemsize, description }: Shape, dealloc: number): Address {
    const texts = new TextEncoder().encode(`${name}\0${description}\0`);
    const p = unsigned(this.#host.raw.malloc(layout.HEAP_TYPE_SIZE + texts.length));
    if (p === 0) throw outOfMemory(`defineType: the memory has no room for the type ${name}`);
    this.#host.views.u8.set(texts, p + layout.HEAP_TYPE_SIZE);
    this.#host
      .functions()
      .initializeType(p, p + layout.HEAP_TYPE_SIZE, basicsize, itemsize, dealloc);
    return p;
  }

  #word(p: Address): number {
    return loadWord(this.#host.views.memory, p);
  }

  #setWord(p: Address, value: number): void {
    storeWord(this.#host.views.memory, p, value);
  }

  /** Address of the type of all types; 0 before the first type. */
  get metatype(): Address {
    const { views, root } = this.#host;
    return views.u32[(root + layout.METATYPE) >>> 2] as Address;
  }
}
