/** What is in an object, for those who look for equal ones, empty ones and ones with too much room. */
import type { Address } from "../../base/base.js";
import {
  DictFields,
  IntFields,
  ObjectFields,
  SetFields,
  ValueFields,
} from "../../python/python.js";
import type { Content, ContentKind, Node } from "../graph/graph.js";
import type { Nodes } from "./nodes.js";
import { charactersAt } from "./texts.js";
import { Shape, type TypePlan } from "./types.js";

const OTHER: Content = { kind: "other", length: 0, capacity: 0, hash: 0 };

/** So many bytes at the beginning and at the end of a long text are hashed. */
const HASHED = 256;

/** Tuples in tuples are looked into so deep. */
const DEEPEST = 2;

/** So many items of a tuple are hashed. */
const ITEMS = 64;

/** A part of the memory: what is compared, and hashed. */
interface Bytes {
  readonly kind: ContentKind;
  readonly length: number;
  readonly from: Address;
  readonly to: Address;
}

export class Contents {
  readonly #nodes: Nodes;
  readonly #planOf: (address: Address) => TypePlan | undefined;
  readonly #u8: Uint8Array;
  readonly #u32: Uint32Array;

  constructor(nodes: Nodes) {
    this.#nodes = nodes;
    const { types, image } = nodes.objects;
    this.#u8 = image.u8;
    this.#u32 = image.u32;
    this.#planOf = (address) => {
      const type = nodes.at(address) === 0 ? 0 : types.numberOf(this.#word(address + 4));
      return type === 0 ? undefined : types.plans[type];
    };
  }

  /** What is in the object of a node. */
  of(node: Node): Content {
    const address = this.#nodes.builder.addressOf(node);
    const plan = this.#nodes.planOf(node);
    if (plan === undefined) return OTHER;
    const bytes = this.#bytes(address, plan);
    if (bytes !== undefined) {
      return {
        kind: bytes.kind,
        length: bytes.length,
        capacity: 0,
        hash: this.#hash(address, DEEPEST),
      };
    }
    const length = this.#word(address + ObjectFields.length);
    switch (plan.shape) {
      case Shape.tuple:
        return { kind: "tuple", length, capacity: 0, hash: this.#hash(address, DEEPEST) };
      case Shape.list:
        return this.#row("list", length, this.#room(address + ObjectFields.listItems) - 4 * length);
      case Shape.bytearray:
        return this.#row("bytearray", length, this.#room(address + plan.ownedBytes) - length - 1);
      case Shape.dict:
      case Shape.orderedDict:
        return this.#row("dict", length, this.#spareOfDict(address, length));
      case Shape.set: {
        const used = this.#word(address + SetFields.used);
        return this.#row(
          "set",
          used,
          this.#room(address + SetFields.table) - 8 * powerOver((used * 5) / 3),
        );
      }
      default:
        return OTHER;
    }
  }

  /** Have two objects the same kind and the same content? Of those kinds that have a hash. */
  equal(one: Node, other: Node): boolean {
    const { builder } = this.#nodes;
    if (this.#nodes.planOf(one) === undefined || this.#nodes.planOf(other) === undefined)
      return false;
    return this.#equal(builder.addressOf(one), builder.addressOf(other), DEEPEST);
  }

  #word(address: Address): number {
    return this.#u32[address >>> 2] ?? 0;
  }

  #row(kind: ContentKind, length: number, spare: number): Content {
    return { kind, length, capacity: Math.max(spare, 0), hash: 0 };
  }

  /** The bytes of a block that belongs to an object, by the word that points to it; 0 where there is none. */
  #room(at: Address): number {
    const block = this.#nodes.claimedBlock(this.#word(at));
    return block < 0 ? 0 : (this.#nodes.objects.blocks.sizes[block] as number);
  }

  #spareOfDict(address: Address, used: number): number {
    const keys = this.#word(address + DictFields.keys);
    if (this.#word(address + DictFields.values) !== 0) return 0;
    const entry = this.#u8[keys + DictFields.kind] === DictFields.general ? 12 : 8;
    // Two thirds of the slots are used at most; a slot's index has 1, 2 or 4 bytes.
    const slots = Math.max(powerOver((used * 3) / 2), 8);
    const index = slots <= 256 ? 1 : slots <= 65536 ? 2 : 4;
    const need = DictFields.indices + slots * index + Math.floor((slots * 2) / 3) * entry;
    return this.#room(address + DictFields.keys) - need;
  }

  /** Where a str, bytes, int or float has its content; undefined for all others, and where it can't be. */
  #bytes(address: Address, plan: TypePlan): Bytes | undefined {
    const { shape } = plan;
    if (shape === Shape.text) {
      const found = charactersAt(this.#nodes.objects.image, address);
      if (found === undefined) return undefined;
      const { data, length, width } = found;
      return { kind: "str", length, from: data, to: data + length * width };
    }
    const part = (kind: ContentKind, length: number, from: Address, bytes: number) =>
      from + bytes > this.#u8.length ? undefined : { kind, length, from, to: from + bytes };
    if (shape === Shape.float) return part("float", 1, address + ValueFields.float, 8);
    if (shape === Shape.bytes) {
      const length = this.#word(address + ObjectFields.length);
      return part("bytes", length, address + ValueFields.bytes, length);
    }
    if (shape === Shape.int) {
      const digits = this.#word(address + IntFields.tag) >>> IntFields.tagBits;
      // The tag, with the sign, is content as well.
      return part("int", digits, address + IntFields.tag, 4 + 4 * digits);
    }
    return undefined;
  }

  #hash(address: Address, depth: number): number {
    const plan = this.#planOf(address);
    if (plan === undefined) return address >>> 0;
    const bytes = this.#bytes(address, plan);
    // Of different types nothing is equal here, though 1 == True in Python.
    let hash = Math.imul(plan.address ^ 0x9e3779b9, 0x01000193);
    if (bytes !== undefined) {
      const { from, to } = bytes;
      hash = mix(hash, to - from);
      const head = Math.min(to, from + HASHED);
      for (let at = from; at < head; at++) hash = mix(hash, this.#u8[at] as number);
      for (let at = Math.max(head, to - HASHED); at < to; at++)
        hash = mix(hash, this.#u8[at] as number);
      return hash >>> 0;
    }
    if (plan.shape !== Shape.tuple || depth === 0) return address >>> 0;
    const length = this.#word(address + ObjectFields.length);
    const first = address + this.#nodes.objects.layout.tupleItems;
    hash = mix(hash, length);
    for (let item = 0; item < Math.min(length, ITEMS); item++) {
      hash = mix(hash, this.#hash(this.#word(first + 4 * item), depth - 1));
    }
    return hash >>> 0;
  }

  #equal(one: Address, other: Address, depth: number): boolean {
    if (one === other) return true;
    const plan = this.#planOf(one);
    if (plan === undefined || this.#planOf(other) !== plan) return false;
    const bytes = this.#bytes(one, plan);
    const others = this.#bytes(other, plan);
    if (bytes !== undefined && others !== undefined) {
      const length = bytes.to - bytes.from;
      // Texts of the same bytes can have characters of another width.
      if (length !== others.to - others.from || bytes.length !== others.length) return false;
      for (let at = 0; at < length; at++) {
        if (this.#u8[bytes.from + at] !== this.#u8[others.from + at]) return false;
      }
      return true;
    }
    if (plan.shape !== Shape.tuple || depth === 0) return false;
    const length = this.#word(one + ObjectFields.length);
    if (length !== this.#word(other + ObjectFields.length)) return false;
    const { tupleItems } = this.#nodes.objects.layout;
    if (one + tupleItems + 4 * length > this.#u8.length) return false;
    for (let at = tupleItems; at < tupleItems + 4 * length; at += 4) {
      if (!this.#equal(this.#word(one + at), this.#word(other + at), depth - 1)) return false;
    }
    return true;
  }
}

function mix(hash: number, value: number): number {
  return Math.imul(hash ^ value, 0x01000193) ^ (hash >>> 15);
}

/** The smallest power of two above a number. */
function powerOver(value: number): number {
  let power = 1;
  while (power <= value) power *= 2;
  return power;
}
