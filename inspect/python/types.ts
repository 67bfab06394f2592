/** The types of a Python heap: which addresses are types, what they are called, and how their objects are to be read. */
import type { Address } from "../../base/base.js";
import {
  Members,
  MoreTypeFlags,
  ObjectFields,
  type ObjectLayout,
  TextFields,
  TypeFields,
  TypeFlags,
} from "../../python/python.js";
import { EdgeKind, edgeKind, edgeName } from "../graph/graph.js";
import type { MemoryImage } from "../memory/memory.js";
import { cText } from "./texts.js";

/** How the objects of a type are read beyond the words of their struct. */
export enum Shape {
  plain = 0,
  tuple = 1,
  list = 2,
  dict = 3,
  set = 4,
  text = 5,
  bytearray = 6,
  array = 7,
  deque = 8,
  type = 9,
  code = 10,
  generator = 11,
  frame = 12,
  module = 13,
  orderedDict = 14,
  bytes = 15,
  int = 16,
  float = 17,
  /** Of variable size, and nothing is known of its items. */
  tail = 18,
  /** A link of an LRU cache, or such a cache. */
  link = 19,
  /** A datetime and a time, with a zone or without. */
  datetime = 20,
  time = 21,
  element = 22,
  /** Pyodide's: a value of JavaScript's. */
  javascript = 23,
}

/** The shapes of the types that have one, by their name in C. */
const SHAPES: Readonly<Record<string, number>> = {
  tuple: Shape.tuple,
  list: Shape.list,
  dict: Shape.dict,
  set: Shape.set,
  frozenset: Shape.set,
  str: Shape.text,
  bytes: Shape.bytes,
  int: Shape.int,
  float: Shape.float,
  bytearray: Shape.bytearray,
  "array.array": Shape.array,
  "collections.deque": Shape.deque,
  "collections.OrderedDict": Shape.orderedDict,
  type: Shape.type,
  code: Shape.code,
  generator: Shape.generator,
  coroutine: Shape.generator,
  async_generator: Shape.generator,
  frame: Shape.frame,
  module: Shape.module,
  "functools._lru_list_elem": Shape.link,
  "functools._lru_cache_wrapper": Shape.link,
  "xml.etree.ElementTree.Element": Shape.element,
  "datetime.datetime": Shape.datetime,
  "datetime.time": Shape.time,
};

/** Bounds of what is followed: a damaged memory can hold chains, and sizes, of anything. */
enum Most {
  bases = 200,
  members = 512,
  metatypes = 8,
  basicSize = 1 << 16,
  fields = 1 << 22,
}

const CACHED = 1 << 13;

const JS_METATYPE = "_JsProxyMetaClass";

/** What objects of a type look like. */
export interface TypePlan {
  readonly address: Address;
  /** As C has it: `dict`, `collections.deque`, `Order`. */
  readonly cName: string;
  readonly flags: number;
  readonly basicSize: number;
  /** The least that an object of it takes: a short form of a str, or a time without a zone, is shorter than its struct. */
  readonly leastSize: number;
  readonly itemSize: number;
  /** How many bytes come before the object in its block. */
  readonly lead: number;
  readonly shape: number;
  /** For each reference of the struct the number of its word and the name of the edge (`edgeName`), alternating. */
  readonly fields: Uint32Array;
  /** The words among them that are guesses. */
  readonly guesses: Uint32Array;
  /** The offset of the pointer to memory that belongs to an object and has no references; 0 for none. */
  readonly ownedBytes: number;
  /** Is the type an object of the heap, so that its objects count references to it? */
  readonly heap: boolean;
  /** Of a tuple's: how many items it has at least; a struct sequence has more than it counts. */
  readonly leastItems: number;
}

/** Numbers for types, and their plans. Number 0 is no type. */
export class TypeTable {
  readonly plans: TypePlan[] = [NOTHING];
  readonly #u32: Uint32Array;
  readonly #image: MemoryImage;
  readonly #layout: ObjectLayout;
  readonly #typeOfTypes: Address;
  readonly #text: (text: string) => number;
  readonly #accept: (type: Address) => boolean;
  readonly #numbers = new Map<Address, number>();
  /** So many fields may there be in all plans. */
  #fieldsLeft: number = Most.fields;
  /** Addresses that were asked for last, and their numbers. */
  readonly #asked = new Uint32Array(CACHED);
  readonly #answers = new Uint32Array(CACHED);

  /**
   * @param text the number of a text, for the names of edges
   * @param accept can a type lie at an address? Asked for what looks like one.
   */
  constructor(
    image: MemoryImage,
    layout: ObjectLayout,
    text: (text: string) => number,
    accept: (type: Address) => boolean,
  ) {
    this.#image = image;
    this.#u32 = image.u32;
    this.#layout = layout;
    this.#typeOfTypes = image.marks.symbols["PyType_Type"] ?? 0;
    this.#text = text;
    this.#accept = accept;
  }

  /** The number of the type at an address, of whatever value; 0 where there is none. */
  numberOf(address: number): number {
    const slot = (address >>> 2) & (CACHED - 1);
    if (this.#asked[slot] === address) return this.#answers[slot] as number;
    const number = this.#isType(address)
      ? (this.#numbers.get(address) ?? this.#add(address, 0))
      : 0;
    this.#asked[slot] = address;
    this.#answers[slot] = number;
    return number;
  }

  /** The types of types end at `type`, after few steps, and what is there can be a type's. */
  #isType(address: number): boolean {
    const { length } = this.#u32;
    const w = address >>> 2;
    if ((address & 3) !== 0 || address < 8 || w + TypeFields.size / 4 > length) return false;
    let type = this.#u32[w + 1] as number;
    for (let steps = 0; type !== this.#typeOfTypes; steps++) {
      const at = type >>> 2;
      if (steps === Most.metatypes || (type & 3) !== 0 || at + TypeFields.size / 4 > length) {
        return false;
      }
      if (((this.#u32[at + ObjectFields.typeFlags / 4] as number) & TypeFlags.type) === 0)
        return false;
      type = this.#u32[at + 1] as number;
    }
    if (this.#numbers.has(address)) return true;
    const flags = this.#u32[w + ObjectFields.typeFlags / 4] as number;
    const basicSize = this.#u32[w + ObjectFields.basicSize / 4] as number;
    return (
      (flags & MoreTypeFlags.ready) !== 0 &&
      basicSize >= 8 &&
      basicSize < Most.basicSize &&
      cText(this.#image, this.#u32[w + ObjectFields.typeName / 4] as number) !== "" &&
      this.#accept(address)
    );
  }

  #add(address: Address, depth: number): number {
    const number = this.plans.length;
    this.#numbers.set(address, number);
    this.plans.push(NOTHING);
    this.plans[number] = this.#plan(address, depth);
    return number;
  }

  #plan(address: Address, depth: number): TypePlan {
    const w = address >>> 2;
    const word = (offset: number): number => this.#u32[w + offset / 4] as number;
    const flags = word(ObjectFields.typeFlags);
    const basicSize = word(ObjectFields.basicSize);
    const itemSize = word(ObjectFields.itemSize);
    const cName = cText(this.#image, word(ObjectFields.typeName));
    const heap = (flags & MoreTypeFlags.heap) !== 0;
    const ahead = (flags & TypeFlags.preHeader) !== 0 ? 8 : 0;
    const lead = ahead + ((flags & TypeFlags.collected) !== 0 ? 8 : 0);
    // A class that a program calls `function` is none of C's.
    const known = !heap || cName.includes(".") ? this.#layout.fields[cName] : undefined;
    const ownedBytes = this.#layout.ownedBytes[cName] ?? 0;
    const base = { address, cName, flags, basicSize, itemSize, lead, heap };
    if (known !== undefined) {
      const fields = new Uint32Array(this.#fieldsOf(known));
      const shape = SHAPES[cName] ?? Shape.plain;
      return {
        ...base,
        guesses: NO_WORDS,
        ownedBytes,
        leastSize: leastSize(shape, basicSize),
        shape,
        fields,
        leastItems: 0,
      };
    }
    const above = this.#aboveOf(word(TypeFields.base), depth);
    const members = this.#members(w);
    const tuple = above.shape === Shape.tuple;
    // The members of a struct sequence are its items.
    const own = tuple ? [] : this.#ownFields(w, above.basicSize, basicSize, members, ownedBytes);
    const all = [...above.fields, ...own];
    this.#fieldsLeft -= all.length;
    const fields = new Uint32Array(this.#fieldsLeft < 0 ? [] : all);
    const last = tuple ? Math.max(0, ...members.keys()) : 0;
    const plain = above.shape === Shape.plain && itemSize > 0 && (itemSize & 3) === 0;
    return {
      ...base,
      guesses: new Uint32Array(guessesOf(fields)),
      ownedBytes: ownedBytes || above.ownedBytes,
      leastSize: basicSize,
      shape: plain ? Shape.tail : this.#isJsProxy(w) ? Shape.javascript : above.shape,
      fields,
      leastItems: last === 0 ? 0 : (last - this.#layout.tupleItems) / 4 + 1,
    };
  }

  /** Types of JsProxies have a type of their own. */
  #isJsProxy(w: number): boolean {
    const metatype = this.#u32[w + 1] as number;
    if (metatype === this.#typeOfTypes) return false;
    const name = this.#u32[(metatype + ObjectFields.typeName) >>> 2] ?? 0;
    return cText(this.#image, name).endsWith(JS_METATYPE);
  }

  #aboveOf(address: Address, depth: number): TypePlan {
    if (depth === Most.bases || !this.#isType(address)) return NOTHING;
    return this.plans[this.#numbers.get(address) ?? this.#add(address, depth + 1)] as TypePlan;
  }

  /** Reads a text of layouts.ts. */
  #fieldsOf(text: string): number[] {
    const fields: number[] = [];
    let word = 2;
    for (const name of text.split(" ")) {
      if (name.startsWith("@")) word = Number(name.slice(1)) / 4;
      else {
        if (name.startsWith("~")) fields.push(word, this.#name(EdgeKind.weak, name.slice(1)));
        else if (name !== "." && name !== "")
          fields.push(word, this.#name(EdgeKind.internal, name));
        word++;
      }
    }
    return fields;
  }

  /** The words that a type puts behind those of its base: members by their name, the dict, and guesses. */
  #ownFields(
    w: number,
    from: number,
    to: number,
    names: Map<number, number>,
    bytes: number,
  ): number[] {
    const word = (offset: number): number => this.#u32[w + offset / 4] as number;
    if (word(TypeFields.dictOffset) > 0) {
      names.set(word(TypeFields.dictOffset), this.#name(EdgeKind.internal, "__dict__"));
    }
    const weakrefs = word(TypeFields.weakListOffset);
    const fields: number[] = [];
    for (let at = (from + 3) & ~3; at + 4 <= to; at += 4) {
      if (at === weakrefs || at === bytes) continue;
      fields.push(at / 4, names.get(at) ?? edgeName(EdgeKind.guess, at));
    }
    return fields;
  }

  /** The names of the members of a type that are references (`.name`, as Python says it), by their offset. */
  #members(w: number): Map<number, number> {
    const names = new Map<number, number>();
    let at = this.#u32[w + TypeFields.members / 4] as number;
    if ((at & 3) !== 0) return names;
    for (let count = 0; count < Most.members && at !== 0; count++, at += Members.size) {
      const name = cText(this.#image, this.#u32[at >>> 2] ?? 0);
      if (name === "") break;
      const kind = this.#u32[(at + Members.kind) >>> 2];
      const offset = this.#u32[(at + Members.offset) >>> 2] ?? 0;
      if (kind === Members.object || kind === Members.objectOrError) {
        names.set(offset, this.#name(EdgeKind.internal, `.${name}`));
      }
    }
    return names;
  }

  #name(kind: typeof EdgeKind.internal | typeof EdgeKind.weak, text: string): number {
    return edgeName(kind, this.#text(text));
  }
}

/** The words of fields that are guesses. */
function guessesOf(fields: Uint32Array): number[] {
  const guesses: number[] = [];
  for (let field = 0; field < fields.length; field += 2) {
    const guess = edgeKind(fields[field + 1] as number) === EdgeKind.guess;
    if (guess) guesses.push(fields[field] as number);
  }
  return guesses;
}

const NO_WORDS = new Uint32Array();

function leastSize(shape: number, basicSize: number): number {
  if (shape === Shape.text) return TextFields.ascii + 1;
  return shape === Shape.datetime || shape === Shape.time ? basicSize - 4 : basicSize;
}

const NOTHING: TypePlan = {
  address: 0,
  cName: "",
  flags: 0,
  basicSize: 8,
  leastSize: 8,
  itemSize: 0,
  lead: 0,
  shape: Shape.plain,
  fields: NO_WORDS,
  guesses: NO_WORDS,
  ownedBytes: 0,
  heap: false,
  leastItems: 0,
};
