/** The fields of objects: their types, where C would put them, and accessors over the memory. */
import { type Address, type MemoryViews, rangeError, show, typeError } from "../../base/base.js";

/** A number of C's in an object; `ptr` is an address, which reads as one from 0 to 2^32 - 1. */
export type ScalarType = "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "f32" | "f64" | "ptr";

/** What a field may be: a number, or an array of a fixed length such as `"u8[16]"`. */
export type FieldType = ScalarType | `${ScalarType}[${number}]`;

/** Fields by name, in the order in which they lie in the object. */
export type FieldTypes = Readonly<Record<string, FieldType>>;

/** The names of those fields that are numbers. */
type ScalarNames<F> = { [K in keyof F]: F[K] extends ScalarType ? K : never }[keyof F];

/**
 * Typed access to the object at `address`. Numbers are converted as typed arrays do it: whole numbers
 * wrap around, `f32` rounds.
 */
export type View<F, Items = undefined> = {
  /** Where the object begins. */
  readonly address: Address;
} & { -readonly [K in ScalarNames<F>]: number } & {
  readonly [K in Exclude<keyof F, ScalarNames<F>>]: FieldArray;
} & (Items extends ScalarType
    ? {
        /** The items, as many as the object's `ob_size` says. */
        readonly items: FieldArray;
      }
    : unknown);

/** A view that moves from object to object. */
export type Cursor<F, Items = undefined> = View<F, Items>;

/** Where a view is at the moment. */
export interface Position {
  address: Address;
}

interface Scalar {
  /** Bytes, and what the offset is a multiple of. */
  readonly size: number;
  read(views: MemoryViews, p: Address): number;
  write(views: MemoryViews, p: Address, value: number): void;
}

// A shift takes an address of either sign; an array of the same kind of number takes the value of either.
const scalars: Readonly<Record<ScalarType, Scalar>> = {
  i8: {
    size: 1,
    read: (views, p) => views.i8[p >>> 0] as number,
    write: (views, p, value) => {
      views.i8[p >>> 0] = value;
    },
  },
  u8: {
    size: 1,
    read: (views, p) => views.u8[p >>> 0] as number,
    write: (views, p, value) => {
      views.u8[p >>> 0] = value;
    },
  },
  i16: {
    size: 2,
    read: (views, p) => views.i16[p >>> 1] as number,
    write: (views, p, value) => {
      views.i16[p >>> 1] = value;
    },
  },
  u16: {
    size: 2,
    read: (views, p) => views.u16[p >>> 1] as number,
    write: (views, p, value) => {
      views.u16[p >>> 1] = value;
    },
  },
  i32: {
    size: 4,
    read: (views, p) => views.i32[p >>> 2] as number,
    write: (views, p, value) => {
      views.i32[p >>> 2] = value;
    },
  },
  u32: {
    size: 4,
    read: (views, p) => views.u32[p >>> 2] as number,
    write: (views, p, value) => {
      views.u32[p >>> 2] = value;
    },
  },
  f32: {
    size: 4,
    read: (views, p) => views.f32[p >>> 2] as number,
    write: (views, p, value) => {
      views.f32[p >>> 2] = value;
    },
  },
  f64: {
    size: 8,
    read: (views, p) => views.f64[p >>> 3] as number,
    write: (views, p, value) => {
      views.f64[p >>> 3] = value;
    },
  },
  ptr: {
    size: 4,
    read: (views, p) => views.u32[p >>> 2] as number,
    write: (views, p, value) => {
      views.u32[p >>> 2] = value;
    },
  },
};

/** The names of the scalar types, for messages. */
export const scalarNames = Object.keys(scalars).join(", ");

export function isScalarType(type: unknown): type is ScalarType {
  return typeof type === "string" && Object.hasOwn(scalars, type);
}

/** Bytes in a scalar, and its alignment in C on wasm32. */
export function sizeOf(type: ScalarType): number {
  return scalars[type].size;
}

/** A field and its place: `count` is null for a single number. */
export interface Field {
  readonly name: string;
  readonly type: ScalarType;
  readonly count: number | null;
  readonly offset: number;
}

/** @returns undefined for what is no type of a field */
function parse(type: unknown): { type: ScalarType; count: number | null } | undefined {
  if (isScalarType(type)) return { type, count: null };
  const [, scalar, count] = (typeof type === "string" && /^(\w+)\[([1-9]\d*)\]$/.exec(type)) || [];
  return isScalarType(scalar) ? { type: scalar, count: Number(count) } : undefined;
}

/** The next multiple of a power of two; no 32-bit arithmetic, sums may be long. */
export function roundUp(bytes: number, alignment: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

/**
 * Puts fields where C puts the members of a struct, behind a header of `header` bytes.
 * @param where what messages begin with
 * @throws TypeError for an unknown type, and for a name that C or a view has no room for
 */
export function placeFields(types: object, header: number, where: string): readonly Field[] {
  let end = header;
  return Object.entries(types).map(([name, value]: [string, unknown]) => {
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      throw typeError(`${where}: field ${show(name)}, expected a name as in C`);
    }
    if (name === "address" || name === "items" || name in Object.prototype) {
      throw typeError(`${where}: field ${show(name)} is a member of every view`);
    }
    const parsed = parse(value);
    if (parsed === undefined) {
      const expected = `one of ${scalarNames}, or an array such as "u8[16]"`;
      throw typeError(`${where}: fields.${name} is ${show(value)}, expected ${expected}`);
    }
    const { size } = scalars[parsed.type];
    const offset = roundUp(end, size);
    end = offset + size * (parsed.count ?? 1);
    return { name, offset, ...parsed };
  });
}

/** Where a field ends. */
export function endOf({ offset, type, count }: Field): number {
  return offset + sizeOf(type) * (count ?? 1);
}

/**
 * An array in an object, wherever its view is. It lies in the memory; nothing is copied. That of the items of an
 * object of variable size is as long as its `ob_size` says.
 */
export class FieldArray implements Iterable<number> {
  readonly #views: MemoryViews;
  readonly #position: Position;
  readonly #scalar: Scalar;
  readonly #offset: number;
  readonly #length: () => number;

  /** @internal */
  constructor(
    views: MemoryViews,
    position: Position,
    type: ScalarType,
    offset: number,
    length: () => number,
  ) {
    this.#views = views;
    this.#position = position;
    this.#scalar = scalars[type];
    this.#offset = offset;
    this.#length = length;
  }

  /** How many numbers it has. */
  get length(): number {
    return this.#length();
  }

  /** The number at `i`. @throws RangeError when `i` is not a whole number from 0 to `length - 1` */
  get(i: number): number {
    return this.#scalar.read(this.#views, this.#at(i));
  }

  /**
   * Writes the number at `i`, as a typed array does: rounded, modulo its bits.
   * @throws RangeError when `i` is not a whole number from 0 to `length - 1`
   */
  set(i: number, value: number): void {
    this.#scalar.write(this.#views, this.#at(i), value);
  }

  /** The numbers, each read when its turn comes. */
  *[Symbol.iterator](): Generator<number, void, undefined> {
    for (let i = 0; i < this.length; i++) yield this.get(i);
  }

  #at(i: number): Address {
    const { length } = this;
    if (i >>> 0 !== i || i >= length) {
      const expected = length > 0 ? `0 to ${length - 1}` : "none: the array is empty";
      throw rangeError(`index is ${show(i)}, expected ${expected}`);
    }
    return this.#position.address + this.#offset + i * this.#scalar.size;
  }
}

/** The property of a field that is a number. */
export function scalarProperty(views: MemoryViews, { type, offset }: Field): PropertyDescriptor {
  const { read, write } = scalars[type];
  return {
    enumerable: true,
    get(this: Position): number {
      return read(views, this.address + offset);
    },
    set(this: Position, value: number) {
      write(views, this.address + offset, value);
    },
  };
}
