/** The references of dicts, and of instances, which may have their attributes without one. */
import type { Address } from "../../base/base.js";
import { DictFields, MoreTypeFlags, Owned, TypeFields } from "../../python/python.js";
import { EdgeKind, type EdgeKindNumber, edgeName, type GraphBuilder } from "../graph/graph.js";
import type { Edges, Place } from "./edges.js";
import type { Nodes } from "./nodes.js";
import type { Objects } from "./objects.js";

/** The indices of a dict have 2 to the power of this bytes at most. */
const LARGEST_INDEX = 30;

export class DictReferences {
  readonly #edges: Edges;
  readonly #nodes: Nodes;
  readonly #objects: Objects;
  readonly #builder: GraphBuilder;
  readonly #u8: Uint8Array;
  readonly #u32: Uint32Array;
  readonly #interned: Address;

  /** @param interned the dict of interned strings; 0 for none */
  constructor(edges: Edges, interned: Address) {
    this.#edges = edges;
    this.#nodes = edges.nodes;
    this.#objects = edges.nodes.objects;
    this.#builder = edges.nodes.builder;
    this.#u8 = this.#objects.image.u8;
    this.#u32 = this.#objects.image.u32;
    this.#interned = interned;
  }

  dict(address: Address, block: number): void {
    const keys = this.#edges.word(address + DictFields.keys);
    const values = this.#edges.word(address + DictFields.values);
    if (values !== 0) {
      if (!this.#objects.layout.inlineValues) this.#valuesOf312(values, keys, block);
      else if (
        this.#u8[values + DictFields.embedded] === 0 &&
        this.#nodes.ownedBlock(values, block) >= 0
      ) {
        const room = this.#u8[values + DictFields.capacity] as number;
        this.#values(values + DictFields.firstValue, room, keys, EdgeKind.entry);
      }
    }
    const owned = this.#nodes.ownedBlock(keys, block);
    if (owned < 0) return;
    if (address === this.#interned) this.#mirror(keys, owned);
    else this.entries(keys, owned);
  }

  /** The dict of interned strings does not hold them. */
  #mirror(keys: Address, block: number): void {
    const name = edgeName(EdgeKind.weak, this.#builder.text("interned"));
    const end = keys + (this.#objects.blocks.sizes[block] as number);
    for (let at = this.#firstEntry(keys); at + 8 <= end; at += 8)
      this.#edges.edge(this.#edges.word(at), name);
  }

  /** The entries of keys that belong to one dict or type. Those that dicts share have no values. */
  entries(keys: Address, block: number): void {
    const general = this.#u8[keys + DictFields.kind] === DictFields.general;
    const split = this.#u8[keys + DictFields.kind] === DictFields.split;
    const bytes = general ? 12 : 8;
    const first = this.#firstEntry(keys);
    const end = keys + (this.#objects.blocks.sizes[block] as number);
    const room = Math.floor(Math.max(end - first, 0) / bytes);
    const count = Math.min(this.#edges.word(keys + DictFields.entries), room);
    for (let entry = 0; entry < count; entry++) {
      const w = (first + entry * bytes) >>> 2;
      const key = this.#u32[general ? w + 1 : w] as number;
      const value = split ? 0 : (this.#u32[general ? w + 2 : w + 1] as number);
      if (key === 0) continue;
      const node = this.#nodes.at(key);
      if (node === 0) {
        this.#edges.internal(value, "value");
        continue;
      }
      if (value === 0 && !split) continue;
      this.#builder.edge(node, edgeName(EdgeKind.key, entry));
      if (value !== 0) this.#edges.edge(value, edgeName(EdgeKind.entry, node));
    }
  }

  #firstEntry(keys: Address): Address {
    return (
      keys +
      DictFields.indices +
      (1 << Math.min(this.#u8[keys + DictFields.logIndexBytes] as number, LARGEST_INDEX))
    );
  }

  /** Values whose keys are elsewhere. */
  #values(first: Address, count: number, keys: Address, kind: EdgeKindNumber): void {
    const owned = this.#nodes.claimedBlock(keys);
    const end = owned < 0 ? 0 : keys + (this.#objects.blocks.sizes[owned] as number);
    const entries = owned < 0 ? 0 : this.#firstEntry(keys);
    for (let index = 0; index < count; index++) {
      const pointer = this.#u32[(first >>> 2) + index] as number;
      if (pointer === 0 || pointer === undefined) continue;
      const entry = entries + 8 * index;
      this.#edges.named(pointer, kind, entry + 4 <= end ? this.#edges.word(entry) : 0, "value");
    }
  }

  #valuesOf312(values: Address, keys: Address, block: number): void {
    const around = this.#objects.blockAround(values);
    if (around < 0 || this.#objects.owner[around] !== block + 1) return;
    const { starts, sizes } = this.#objects.blocks;
    const room = ((starts[around] as number) + (sizes[around] as number) - values) >>> 2;
    const used =
      this.#nodes.claimedBlock(keys) < 0 ? 0 : this.#edges.word(keys + DictFields.entries);
    this.#values(values, Math.min(room, used), keys, EdgeKind.attribute);
  }

  /** The dict of an instance that the interpreter manages, and the values that it keeps without one. */
  managedDict({ plan, address, block, end }: Place): void {
    const dict = this.#edges.word(address - 12);
    const keys = this.#edges.word(plan.address + TypeFields.cachedKeys);
    if (!this.#objects.layout.inlineValues) {
      if ((dict & 1) === 0) this.#edges.internal(dict, "__dict__");
      else this.#valuesOf312(dict + 1, keys, block);
      return;
    }
    this.#edges.internal(dict, "__dict__");
    if ((plan.flags & MoreTypeFlags.inlineValues) === 0) return;
    const values = address + plan.basicSize;
    if (values + 4 > end || this.#u8[values + DictFields.valid] === 0) return;
    const first = values + DictFields.firstValue;
    const count = Math.min(this.#u8[values + DictFields.capacity] as number, (end - first) >>> 2);
    this.#values(first, count, keys, EdgeKind.attribute);
  }

  /** The keys that an OrderedDict has once more in a chain, each piece of which knows the one before. */
  orderedKeys(address: Address, block: number): void {
    const first = this.#edges.word(address + Owned.odictFirst);
    let before = 0;
    let node = first;
    for (let index = 0; this.#nodes.ownedBlock(node, block) >= 0; index++) {
      if (this.#edges.word(node + Owned.odictNodePrevious) !== before) return;
      this.#edges.edge(this.#edges.word(node), edgeName(EdgeKind.key, index));
      before = node;
      node = this.#edges.word(node + Owned.odictNodeNext);
      if (node === first) return;
    }
  }
}
