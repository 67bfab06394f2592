/** The references of a Python heap, with their names: the edges of each node. Every walk is as long as a block at most. */
import type { Address } from "../../base/base.js";
import {
  DequeFields,
  DictFields,
  FrameFields,
  MoreTypeFlags,
  ObjectFields,
  OddFields,
  Owned,
  SetFields,
  StackChunk,
  TAG_BITS,
  TypeFields,
} from "../../python/python.js";
import { EdgeKind, type EdgeKindNumber, edgeName, type GraphBuilder } from "../graph/graph.js";
import type { InterpreterState } from "./interpreter.js";
import type { Nodes } from "./nodes.js";
import { FREED, type Objects, TYPE_NUMBER } from "./objects.js";
import { Shape, type TypePlan } from "./types.js";

/** Static objects have no block that bounds them: so many words are read of all, and of one. */
const MOST_STATIC_WORDS = 1 << 22;
const MOST_WORDS = 1 << 16;

/** The indices of a dict have 2 to the power of this bytes at most. */
const LARGEST_INDEX = 30;

/** The object whose references are walked. */
interface Place {
  readonly plan: TypePlan;
  readonly address: Address;
  /** Its block; -1 for static data. */
  readonly block: number;
  /** Where its memory ends. */
  readonly end: Address;
}

export class References {
  readonly #nodes: Nodes;
  readonly #objects: Objects;
  readonly #builder: GraphBuilder;
  readonly #u8: Uint8Array;
  readonly #u32: Uint32Array;
  readonly #interpreter: InterpreterState;
  readonly #tupleItems: number;
  #staticWords = MOST_STATIC_WORDS;

  constructor(nodes: Nodes, interpreter: InterpreterState) {
    this.#nodes = nodes;
    this.#objects = nodes.objects;
    this.#builder = nodes.builder;
    this.#u8 = nodes.objects.image.u8;
    this.#u32 = nodes.objects.image.u32;
    this.#interpreter = interpreter;
    this.#tupleItems = nodes.objects.layout.tupleItems;
  }

  /** The edges of the node of a block. */
  ofBlock(block: number): void {
    const { blocks, typeOf, types } = this.#objects;
    const start = blocks.starts[block] as number;
    const end = Math.min(start + (blocks.sizes[block] as number), this.#u8.length);
    const type = typeOf[block] as number;
    if (type >= FREED) return;
    if (type === 0) {
      if (!this.#objects.libraries.has(block) && !this.#isStack(start, end)) {
        this.#guesses(start, start, end);
      }
      return;
    }
    const plan = types.plans[type & TYPE_NUMBER] as TypePlan;
    this.#object(plan, start + plan.lead, block, end);
  }

  /** Is it a piece of a thread's stack of frames? Those are roots, and what lies beyond them is out of use. */
  #isStack(start: Address, end: Address): boolean {
    const size = this.#word(start + StackChunk.size);
    const room = end - start;
    if (room < StackChunk.leastSize || (size & (size - 1)) !== 0) return false;
    return size <= room && room < size + 64 && this.#word(start + StackChunk.top) <= size / 4;
  }

  /** The edges of the node of a static object. */
  ofStatic(address: Address): void {
    const { types } = this.#objects;
    const plan = types.plans[types.numberOf(this.#u32[(address >>> 2) + 1] as number)] as TypePlan;
    const most = Math.min(this.#staticWords, MOST_WORDS);
    const end = Math.min(this.#u8.length, address + plan.basicSize + 4 * most);
    if (address + plan.basicSize > end) return;
    if (plan.shape === Shape.tuple || plan.shape === Shape.tail) {
      this.#staticWords -= Math.min(this.#word(address + ObjectFields.length), most);
    }
    this.#object(plan, address, -1, end);
  }

  #edge(pointer: number, name: number): void {
    if (pointer === 0) return;
    const to = this.#nodes.at(pointer);
    if (to !== 0) this.#builder.edge(to, name);
  }

  #internal(pointer: number, text: string): void {
    this.#edge(pointer, edgeName(EdgeKind.internal, this.#builder.text(text)));
  }

  /** An edge with the name of a str; where that is none, of a text. */
  #named(pointer: number, kind: EdgeKindNumber, name: number, otherwise: string): void {
    if (pointer === 0) return;
    const node = name === 0 ? 0 : this.#nodes.at(name);
    if (node === 0) this.#internal(pointer, otherwise);
    else this.#edge(pointer, edgeName(kind, node));
  }

  /** The words of what is not known. @param zero where offsets count from */
  #guesses(zero: Address, from: Address, to: Address): void {
    for (let at = (from + 3) & ~3; at + 4 <= to; at += 4) {
      const pointer = this.#u32[at >>> 2] as number;
      if (pointer !== 0) this.#edge(pointer, edgeName(EdgeKind.guess, at - zero));
    }
  }

  #word(address: Address): number {
    return this.#u32[address >>> 2] ?? 0;
  }

  #object(plan: TypePlan, address: Address, block: number, end: Address): void {
    const u32 = this.#u32;
    const w = address >>> 2;
    const { fields, shape, flags } = plan;
    for (let field = 0; field < fields.length; field += 2) {
      const pointer = u32[w + (fields[field] as number)] as number;
      if (pointer !== 0) this.#edge(pointer, fields[field + 1] as number);
    }
    if (plan.heap) this.#internal(plan.address, "__class__");
    if ((flags & MoreTypeFlags.managedDict) !== 0 && block >= 0)
      this.#managedDict({ plan, address, block, end });
    if (shape === Shape.plain) return;
    if (shape === Shape.tuple) this.#tuple(address, end, plan);
    else if (shape === Shape.list) this.#list(address, block);
    else if (shape === Shape.dict) this.#dict(address, block);
    else if (shape === Shape.set) this.#set(address, block);
    else this.#others({ plan, address, block, end });
  }

  #others(place: Place): void {
    const { plan, address, block, end } = place;
    switch (plan.shape) {
      case Shape.orderedDict:
        this.#dict(address, block);
        this.#orderedKeys(address, block);
        break;
      case Shape.deque:
        this.#deque(address, block);
        break;
      case Shape.type:
        this.#type(address, block);
        break;
      case Shape.code:
        this.#ownedWords(address + Owned.codeCached, block, "cached");
        this.#ownedWords(address + Owned.codeExecutors, block, "executor");
        break;
      case Shape.module:
        this.#moduleState(address, block);
        break;
      case Shape.generator:
        this.#frame(address + FrameFields.inGenerator, end, this.#isCleared(address));
        break;
      case Shape.frame: {
        const own = address + plan.basicSize - FrameFields.first;
        if (this.#word(address + FrameFields.ofFrame) === own) this.#frame(own, end, false);
        break;
      }
      case Shape.link: {
        const next = this.#word(address + OddFields.nextLink);
        const { types } = this.#objects;
        const type = types.plans[types.numberOf(this.#word(next + ObjectFields.type))];
        if (type?.cName === "functools._lru_list_elem") this.#internal(next, "next");
        break;
      }
      case Shape.time:
        if (this.#u8[address + OddFields.hasZone] !== 0) {
          this.#internal(this.#word(address + plan.basicSize - 4), "tzinfo");
        }
        break;
      case Shape.tail: {
        const items = this.#word(address + ObjectFields.length) * plan.itemSize;
        const from = address + plan.basicSize;
        this.#guesses(address, from, Math.min(from + items, end));
        break;
      }
      default:
    }
  }

  /** The words of a module's state, which are known to nobody but it. */
  #moduleState(address: Address, owner: number): void {
    const state = this.#word(address + Owned.moduleState);
    const block = this.#nodes.ownedBlock(state, owner);
    if (block < 0) return;
    const definition = this.#word(address + Owned.moduleDefinition);
    const size = this.#word(definition + Owned.definitionStateSize);
    const room = this.#objects.blocks.sizes[block] as number;
    this.#guesses(state, state, state + Math.min(size, room));
  }

  /** The words of a block that belongs to an object. */
  #ownedWords(at: Address, owner: number, name: string): void {
    const start = this.#word(at);
    const block = this.#nodes.ownedBlock(start, owner);
    if (block < 0) return;
    const size = this.#objects.blocks.sizes[block] as number;
    for (let word = 0; word + 4 <= size; word += 4) this.#internal(this.#word(start + word), name);
  }

  #tuple(address: Address, end: Address, plan: TypePlan): void {
    const first = address + this.#tupleItems;
    const length = Math.max(this.#word(address + ObjectFields.length), plan.leastItems);
    const room = (end - first) >>> 2;
    this.#items(first, Math.min(length, room));
  }

  #items(first: Address, count: number): void {
    const w = first >>> 2;
    for (let item = 0; item < count; item++) {
      const pointer = this.#u32[w + item] as number;
      if (pointer !== 0) this.#edge(pointer, edgeName(EdgeKind.item, item));
    }
  }

  #list(address: Address, block: number): void {
    const items = this.#word(address + ObjectFields.listItems);
    const owned = this.#nodes.ownedBlock(items, block);
    if (owned < 0) return;
    const room = (this.#objects.blocks.sizes[owned] as number) >>> 2;
    this.#items(items, Math.min(this.#word(address + ObjectFields.length), room));
  }

  #set(address: Address, block: number): void {
    const table = this.#word(address + SetFields.table);
    const mask = this.#word(address + SetFields.mask);
    let room = 8;
    if (table !== address + SetFields.smallTable) {
      const owned = this.#nodes.ownedBlock(table, block);
      if (owned < 0) return;
      room = (this.#objects.blocks.sizes[owned] as number) >>> 3;
    }
    const slots = Math.min(mask + 1, room);
    for (let slot = 0; slot < slots; slot++) {
      const w = (table >>> 2) + 2 * slot;
      const key = this.#u32[w] as number;
      // No hash is -1 but that of what stands where a member was.
      if (key !== 0 && this.#u32[w + 1] !== 0xffffffff)
        this.#edge(key, edgeName(EdgeKind.key, slot));
    }
  }

  #dict(address: Address, block: number): void {
    const keys = this.#word(address + DictFields.keys);
    const values = this.#word(address + DictFields.values);
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
    if (address === this.#interpreter.interned) this.#interned(keys, owned);
    else this.#entries(keys, owned);
  }

  /** The dict of interned strings does not hold them. */
  #interned(keys: Address, block: number): void {
    const name = edgeName(EdgeKind.weak, this.#builder.text("interned"));
    const end = keys + (this.#objects.blocks.sizes[block] as number);
    for (let at = this.#firstEntry(keys); at + 8 <= end; at += 8) this.#edge(this.#word(at), name);
  }

  /** The entries of keys that belong to one dict or type. Those that dicts share have no values. */
  #entries(keys: Address, block: number): void {
    const general = this.#u8[keys + DictFields.kind] === DictFields.general;
    const split = this.#u8[keys + DictFields.kind] === DictFields.split;
    const bytes = general ? 12 : 8;
    const first = this.#firstEntry(keys);
    const end = keys + (this.#objects.blocks.sizes[block] as number);
    const room = Math.floor(Math.max(end - first, 0) / bytes);
    const count = Math.min(this.#word(keys + DictFields.entries), room);
    for (let entry = 0; entry < count; entry++) {
      const w = (first + entry * bytes) >>> 2;
      const key = this.#u32[general ? w + 1 : w] as number;
      const value = split ? 0 : (this.#u32[general ? w + 2 : w + 1] as number);
      if (key === 0) continue;
      const node = this.#nodes.at(key);
      if (node === 0) {
        this.#internal(value, "value");
        continue;
      }
      if (value === 0 && !split) continue;
      this.#builder.edge(node, edgeName(EdgeKind.key, entry));
      if (value !== 0) this.#edge(value, edgeName(EdgeKind.entry, node));
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
      this.#named(pointer, kind, entry + 4 <= end ? this.#word(entry) : 0, "value");
    }
  }

  #valuesOf312(values: Address, keys: Address, block: number): void {
    const around = this.#objects.blockAround(values);
    if (around < 0 || this.#objects.owner[around] !== block + 1) return;
    const { starts, sizes } = this.#objects.blocks;
    const room = ((starts[around] as number) + (sizes[around] as number) - values) >>> 2;
    const used = this.#nodes.claimedBlock(keys) < 0 ? 0 : this.#word(keys + DictFields.entries);
    this.#values(values, Math.min(room, used), keys, EdgeKind.attribute);
  }

  /** The dict of an instance that the interpreter manages, and the values that it keeps without one. */
  #managedDict({ plan, address, block, end }: Place): void {
    const dict = this.#word(address - 12);
    const keys = this.#word(plan.address + TypeFields.cachedKeys);
    if (!this.#objects.layout.inlineValues) {
      if ((dict & 1) === 0) this.#internal(dict, "__dict__");
      else this.#valuesOf312(dict + 1, keys, block);
      return;
    }
    this.#internal(dict, "__dict__");
    if ((plan.flags & MoreTypeFlags.inlineValues) === 0) return;
    const values = address + plan.basicSize;
    if (values + 4 > end || this.#u8[values + DictFields.valid] === 0) return;
    const first = values + DictFields.firstValue;
    const count = Math.min(this.#u8[values + DictFields.capacity] as number, (end - first) >>> 2);
    this.#values(first, count, keys, EdgeKind.attribute);
  }

  /** The keys that an OrderedDict has once more in a chain, each piece of which knows the one before. */
  #orderedKeys(address: Address, block: number): void {
    const first = this.#word(address + Owned.odictFirst);
    let before = 0;
    let node = first;
    for (let index = 0; this.#nodes.ownedBlock(node, block) >= 0; index++) {
      if (this.#word(node + Owned.odictNodePrevious) !== before) return;
      this.#edge(this.#word(node), edgeName(EdgeKind.key, index));
      before = node;
      node = this.#word(node + Owned.odictNodeNext);
      if (node === first) return;
    }
  }

  /** The items of a deque: in a chain of pieces, each of which knows the one before. */
  #deque(address: Address, block: number): void {
    const first = this.#word(address + DequeFields.left);
    const length = this.#word(address + ObjectFields.length);
    let from = Math.min(this.#word(address + DequeFields.leftIndex), DequeFields.blockItems);
    let before = 0;
    let piece = first;
    for (let item = 0; item < length && this.#nodes.ownedBlock(piece, block) >= 0; ) {
      if (piece !== first && this.#word(piece) !== before) return;
      for (; from < DequeFields.blockItems && item < length; from++, item++) {
        this.#edge(this.#word(piece + 4 + 4 * from), edgeName(EdgeKind.item, item));
      }
      from = 0;
      before = piece;
      piece = this.#word(piece + DequeFields.blockRight);
      if (piece === first) return;
    }
  }

  #type(address: Address, block: number): void {
    const flags = this.#word(address + ObjectFields.typeFlags);
    if ((flags & MoreTypeFlags.managedStatic) !== 0) {
      for (const [name, pointer] of this.#interpreter.managed(address))
        this.#internal(pointer, name);
    }
    if ((flags & MoreTypeFlags.heap) === 0) return;
    this.#internal(this.#word(address + TypeFields.name), "__name__");
    this.#internal(this.#word(address + TypeFields.slots), "__slots__");
    this.#internal(this.#word(address + TypeFields.qualifiedName), "__qualname__");
    this.#internal(this.#word(address + TypeFields.module), "module");
    const keys = this.#word(address + TypeFields.cachedKeys);
    const owned = this.#nodes.ownedBlock(keys, block);
    if (owned >= 0) this.#entries(keys, owned);
  }

  /** Has a generator run to its end? */
  #isCleared(generator: Address): boolean {
    const state = this.#u8[generator + FrameFields.generatorState] as number;
    return state >= FrameFields.cleared && state < 0x80;
  }

  /** The references of an interpreter's frame in an object, with the names of its variables. Of one that was cleared only the code is left. */
  #frame(frame: Address, end: Address, cleared: boolean): void {
    const code = (this.#word(frame + FrameFields.code) & ~TAG_BITS) >>> 0;
    this.#tagged(this.#word(frame + FrameFields.code), "f_code", 0);
    if (cleared) return;
    this.#tagged(this.#word(frame + FrameFields.function), "function", 0);
    this.#internal(this.#word(frame + FrameFields.locals), "f_locals");
    this.#internal(this.#word(frame + FrameFields.frameObject), "frame");
    if (this.#nodes.at(code) === 0) return;
    const first = frame + FrameFields.first;
    const variables = this.#word(code + FrameFields.codeLocals);
    const top = this.#word(frame + FrameFields.stackTop);
    const used = this.#objects.layout.taggedFrames ? (top - first) >> 2 : top | 0;
    const count = Math.min(Math.max(used, variables), (end - first) >>> 2);
    const names = this.#word(code + FrameFields.codeLocalNames) + this.#tupleItems;
    for (let index = 0; index < count; index++) {
      const name = index < variables ? this.#word(names + 4 * index) : 0;
      this.#tagged(this.#word(first + 4 * index), "stack", name);
    }
  }

  /** A reference of a frame, whose lowest bits may say that it isn't counted, or that it is a number. */
  #tagged(word: number, text: string, name: number): void {
    const tag = this.#objects.layout.taggedFrames ? word & TAG_BITS : 0;
    if (tag === TAG_BITS) return;
    const pointer = (word & ~TAG_BITS) >>> 0;
    if ((tag & 1) !== 0)
      this.#edge(pointer, edgeName(EdgeKind.weak, this.#builder.text(`${text} (borrowed)`)));
    else this.#named(pointer, EdgeKind.local, name, text);
  }
}
