/** Types: the one reader of `defineType`'s definition, and the type object that it gives. */
import {
  type Address,
  hex,
  isAddress,
  isObject,
  objectsLayout as layout,
  type MemoryViews,
  rangeError,
  requireKnown,
  show,
  typeError,
  unsigned,
} from "../../base/base.js";
import {
  endOf,
  type Field,
  FieldArray,
  type FieldTypes,
  isScalarType,
  type Position,
  placeFields,
  roundUp,
  type ScalarType,
  scalarNames,
  scalarProperty,
  sizeOf,
  type View,
} from "./fields.js";

/** What `heap.defineType` takes. */
export interface TypeDefinition<
  F extends FieldTypes = FieldTypes,
  Items extends ScalarType | undefined = ScalarType | undefined,
> {
  /** CPython: tp_name. In messages, and in the memory for guests and debuggers. */
  name: string;
  /** The fields by name, in C's order and at C's offsets; behind them nothing is added. */
  fields?: F | undefined;
  /**
   * CPython: tp_basicsize, the bytes of an object without its items. Default: where the fields end, rounded up to
   * the largest alignment (at least 4), as C's sizeof. It may be more, for fields that only a guest knows.
   */
  basicsize?: number | undefined;
  /** CPython: tp_itemsize, the bytes of an item of an object of variable size. Default 0: no items. */
  itemsize?: number | undefined;
  /** What the items are: gives `itemsize`, and views a property `items`. */
  items?: Items;
  /**
   * CPython: tp_dealloc. Runs when the last reference is gone: it gives up the references that the object holds and
   * then frees it with `heap.deleteObject(p)`. Default: only that. What it throws reaches the caller of the
   * outermost `Py_DECREF`, after everything else that had to die is dead.
   */
  dealloc?(p: Address): void;
}

/** A definition with every default in place. */
export interface ResolvedType {
  readonly name: string;
  readonly fields: readonly Field[];
  readonly basicsize: number;
  readonly itemsize: number;
  readonly items: ScalarType | undefined;
  readonly alignment: number;
  readonly dealloc: ((p: Address) => void) | undefined;
}

const known = ["name", "fields", "basicsize", "itemsize", "items", "dealloc"];

/** Who reads a definition: what messages begin with. */
export type Reader = "defineType" | "adoptType";

function bad(where: Reader, option: string, value: unknown, expected: string): TypeError {
  return typeError(`${where}: ${option} is ${show(value)}, expected ${expected}`);
}

function readSize(where: Reader, option: string, value: unknown, least: number): number {
  const most = layout.MAX_SIZE;
  const expected = `a whole number of bytes from ${least} to ${most}`;
  if (typeof value !== "number" || !Number.isInteger(value)) {
    throw bad(where, option, value, expected);
  }
  if (value < least || value > most) {
    throw rangeError(`${where}: ${option} is ${value}, expected ${expected}`);
  }
  return value;
}

function readItemsize(where: Reader, itemsize: unknown, items: unknown): number {
  if (items !== undefined && !isScalarType(items)) {
    throw bad(where, "items", items, `one of ${scalarNames}`);
  }
  if (itemsize === undefined) return items === undefined ? 0 : sizeOf(items);
  if (items !== undefined && itemsize !== sizeOf(items)) {
    throw bad(where, "itemsize", itemsize, `${sizeOf(items)} or nothing: items is ${show(items)}`);
  }
  return readSize(where, "itemsize", itemsize, 0);
}

/**
 * @throws TypeError that names the option, its value and what was expected
 * @throws RangeError for a size that no object can have
 */
export function readDefinition(definition: TypeDefinition, where: Reader): ResolvedType {
  if (!isObject(definition)) {
    throw typeError(`${where}: expected an object, got ${show(definition)}`);
  }
  requireKnown(definition, known, where);
  const { name, fields: types = {}, items, dealloc } = definition;
  if (typeof name !== "string" || name === "" || name.includes("\0")) {
    throw bad(where, "name", name, "a name, without NUL");
  }
  if (!isObject(types)) throw bad(where, "fields", types, "an object: types by name");
  if (dealloc !== undefined && typeof dealloc !== "function") {
    throw bad(where, "dealloc", dealloc, "a function");
  }
  const itemsize = readItemsize(where, definition.itemsize, items);
  const header = itemsize > 0 ? layout.VAR_OBJECT_HEADER : layout.OBJECT_HEADER;
  const fields = placeFields(types, header, where);
  const numbers = [...fields.map(({ type }) => type), ...(items === undefined ? [] : [items])];
  const alignment = Math.max(4, ...numbers.map(sizeOf));
  const last = fields.at(-1);
  const least = roundUp(last === undefined ? header : endOf(last), alignment);
  if (least > layout.MAX_SIZE) {
    throw rangeError(`${where}: fields take ${least} bytes, expected at most ${layout.MAX_SIZE}`);
  }
  const { basicsize: given = least } = definition;
  const basicsize = readSize(where, "basicsize", given, least);
  if (items !== undefined && basicsize % sizeOf(items) !== 0) {
    throw bad(
      where,
      "basicsize",
      basicsize,
      `a multiple of ${sizeOf(items)}: there the items begin`,
    );
  }
  return {
    name,
    fields,
    basicsize,
    itemsize,
    items,
    alignment,
    dealloc: dealloc?.bind(definition),
  };
}

/** The word where an object at `p` has its type; undefined where no object can be, and for what is no address. */
export function typeAt({ u32 }: MemoryViews, p: Address): Address | undefined {
  return isAddress(p) && (p & 3) === 0 ? u32[(p + layout.OB_TYPE) >>> 2] : undefined;
}

/** A text that ends with a 0, as C's do, and where the next one would begin. */
function textAt({ u8 }: MemoryViews, start: Address): { text: string; end: Address } {
  const end = u8.indexOf(0, start);
  return { text: new TextDecoder().decode(u8.subarray(start, end)), end: end + 1 };
}

/** The name of the type at `type`, from the memory. */
export function nameAt(views: MemoryViews, type: Address): string {
  return textAt(views, views.u32[(type + layout.TP_NAME) >>> 2] as Address).text;
}

/** What a type's objects look like; two types of which this is the same are read in the same way. */
export interface Shape {
  readonly basicsize: number;
  readonly itemsize: number;
  /** The fields and the items with their types, as text. */
  readonly description: string;
}

export function shapeOf({ basicsize, itemsize, fields, items }: ResolvedType): Shape {
  const parts = fields.map(({ name, type, count }) =>
    count === null ? `${name}: ${type}` : `${name}: ${type}[${count}]`,
  );
  if (items !== undefined) parts.push(`items: ${items}`);
  return { basicsize, itemsize, description: parts.join(", ") };
}

/** The shape of a type that a heap made, from the memory. */
export function shapeAt(views: MemoryViews, type: Address): Shape {
  const word = (offset: number) => views.u32[(type + offset) >>> 2] as number;
  const { end } = textAt(views, word(layout.TP_NAME));
  return {
    basicsize: word(layout.TP_BASICSIZE),
    itemsize: word(layout.TP_ITEMSIZE),
    description: textAt(views, end).text,
  };
}

export function showShape({ basicsize, itemsize, description }: Shape): string {
  return `basicsize ${basicsize}, itemsize ${itemsize}, fields { ${description} }`;
}

/** A type that `heap.defineType` made or `heap.adoptType` found: a PyTypeObject in the memory, and typed access to its objects. */
export class TypeObject<F = unknown, Items = unknown> {
  /** As its definition says. */
  readonly name: string;
  /** Where the PyTypeObject is, for guests. It lives as long as the heap. */
  readonly address: Address;
  /** Bytes of an object without its items, header included. */
  readonly basicsize: number;
  /** Bytes of an item; 0 for a type whose objects are all of one size. */
  readonly itemsize: number;
  /** What the address of an object is a multiple of. */
  readonly alignment: number;
  /** The fields' distances from the object's address, in bytes. */
  readonly offsets: Readonly<Record<keyof F, number>>;

  readonly #owner: object;
  readonly #views: MemoryViews;
  readonly #View: new (
    p: Address,
  ) => Position;
  readonly #cursor: Position;

  /** @internal */
  constructor(owner: object, views: MemoryViews, address: Address, type: ResolvedType) {
    this.name = type.name;
    this.address = unsigned(address);
    this.basicsize = type.basicsize;
    this.itemsize = type.itemsize;
    this.alignment = type.alignment;
    const offsets = Object.fromEntries(type.fields.map(({ name, offset }) => [name, offset]));
    this.offsets = Object.freeze(offsets) as Record<keyof F, number>;
    this.#owner = owner;
    this.#views = views;
    this.#View = viewOf(views, type);
    this.#cursor = new this.#View(0);
  }

  /** @internal Is this a type of that owner's? */
  static isOf(owner: object, value: unknown): value is TypeObject {
    return isObject(value) && #owner in value && value.#owner === owner;
  }

  /**
   * Typed access to the object at `p`, by a small object of its own for each call. It is good as long as the object is.
   * @throws TypeError when there is no object of this type at `p`
   */
  at(p: Address): View<F, Items> {
    this.#requireObject(p, "at");
    return new this.#View(unsigned(p)) as View<F, Items>;
  }

  /**
   * The same without an allocation: the type has one cursor, and the next `cursor` moves it on, whoever calls it. So read
   * what is wanted at once: `Point.cursor(p).x`.
   * @throws TypeError when there is no object of this type at `p`
   */
  cursor(p: Address): View<F, Items> {
    this.#requireObject(p, "cursor");
    this.#cursor.address = unsigned(p);
    return this.#cursor as View<F, Items>;
  }

  /**
   * The same as {@link at}.
   * @deprecated Use {@link at}.
   */
  view(p: Address): View<F, Items> {
    return this.at(p);
  }

  #requireObject(p: Address, where: string): void {
    if (typeAt(this.#views, p) === this.address) return;
    const found = typeof p === "number" ? hex(p) : show(p);
    throw typeError(`${where}: p is ${found}, expected an object of type ${this.name}`);
  }
}

/** Where a view has its arrays that were asked for, by name. */
const arrays = Symbol("arrays");

/** The class of a type's views. Numbers are properties of its prototype; so are arrays, which are made when first asked for. */
function viewOf(
  views: MemoryViews,
  { fields, items, basicsize }: ResolvedType,
): new (
  p: Address,
) => Position {
  class TypeView implements Position {
    // Declared only: a class with fields that are initialized takes V8 six times as long to make something of.
    declare address: Address;
    declare [arrays]?: Map<string, FieldArray>;

    constructor(p: Address) {
      this.address = p;
    }
  }
  const addArray = (
    name: string,
    type: ScalarType,
    offset: number,
    lengthOf: (view: Position) => number,
  ) => {
    const get = function (this: TypeView): FieldArray {
      this[arrays] ??= new Map();
      const known = this[arrays].get(name);
      if (known !== undefined) return known;
      const made = new FieldArray(views, this, type, offset, () => lengthOf(this));
      this[arrays].set(name, made);
      return made;
    };
    Object.defineProperty(TypeView.prototype, name, { enumerable: true, get });
  };
  for (const field of fields) {
    const { name, type, offset, count } = field;
    if (count !== null) addArray(name, type, offset, () => count);
    else Object.defineProperty(TypeView.prototype, name, scalarProperty(views, field));
  }
  if (items !== undefined) {
    const lengthOf = ({ address }: Position) =>
      views.i32[(address + layout.OB_SIZE) >>> 2] as number;
    addArray("items", items, basicsize, lengthOf);
  }
  return TypeView;
}
