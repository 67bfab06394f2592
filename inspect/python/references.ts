/** The references of a Python heap, with their names: the edges of each node. Every walk is as long as a block at most. */
import type { Address } from "../../base/base.js";
import {
  DequeFields,
  ElementFields,
  FrameFields,
  MoreTypeFlags,
  ObjectFields,
  OddFields,
  Owned,
  SetFields,
  StackChunk,
  TypeFields,
} from "../../python/python.js";
import { EdgeKind, edgeName } from "../graph/graph.js";
import { DictReferences } from "./dict-references.js";
import { Edges, type Place } from "./edges.js";
import { FrameReferences } from "./frame-references.js";
import type { InterpreterState } from "./interpreter.js";
import type { Nodes } from "./nodes.js";
import { FREED, type Objects, TYPE_NUMBER } from "./objects.js";
import { MOST_SCANNED } from "./owned-memory.js";
import { Shape, type TypePlan } from "./types.js";

/** Static objects have no block that bounds them: so many words are read of all, and of one. */
const MOST_STATIC_WORDS = 1 << 22;
const MOST_WORDS = 1 << 16;

/** Where a JsProxy has its reference (src/core/jsproxy.c), in Pyodide 0.27 to 314. */
const JS_REFERENCE = 36;

export class References {
  readonly #nodes: Nodes;
  readonly #objects: Objects;
  readonly #classEdge: number;
  readonly #javascriptEdge: number;
  readonly #edges: Edges;
  readonly #dicts: DictReferences;
  readonly #frames: FrameReferences;
  readonly #u8: Uint8Array;
  readonly #u32: Uint32Array;
  readonly #interpreter: InterpreterState;
  readonly #tupleItems: number;
  #staticWords = MOST_STATIC_WORDS;

  constructor(nodes: Nodes, interpreter: InterpreterState) {
    this.#nodes = nodes;
    this.#objects = nodes.objects;
    this.#classEdge = edgeName(EdgeKind.internal, nodes.builder.text("__class__"));
    this.#javascriptEdge = edgeName(EdgeKind.internal, nodes.builder.text("value"));
    this.#u8 = nodes.objects.image.u8;
    this.#u32 = nodes.objects.image.u32;
    this.#interpreter = interpreter;
    this.#edges = new Edges(nodes);
    this.#dicts = new DictReferences(this.#edges, interpreter.interned);
    this.#frames = new FrameReferences(this.#edges);
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
        this.#edges.guesses(start, start, end);
      }
      return;
    }
    const plan = types.plans[type & TYPE_NUMBER] as TypePlan;
    this.#object(plan, start + plan.lead, block, end);
  }

  /** Is it a piece of a thread's stack of frames? Those that run are roots (not in 3.12), and what lies beyond is out of use. */
  #isStack(start: Address, end: Address): boolean {
    if (!this.#objects.layout.inlineValues) return false;
    const size = this.#edges.word(start + StackChunk.size);
    const room = end - start;
    if (room < StackChunk.leastSize || (size & (size - 1)) !== 0) return false;
    return size <= room && room < size + 64 && this.#edges.word(start + StackChunk.top) <= size / 4;
  }

  /** The edges of the node of a static object. */
  ofStatic(address: Address): void {
    const { types } = this.#objects;
    const plan = types.plans[types.numberOf(this.#u32[(address >>> 2) + 1] as number)] as TypePlan;
    const most = Math.min(this.#staticWords, MOST_WORDS);
    const end = Math.min(this.#u8.length, address + plan.basicSize + 4 * most);
    if (address + plan.basicSize > end) return;
    if (plan.shape === Shape.tuple || plan.shape === Shape.tail) {
      this.#staticWords -= Math.min(this.#edges.word(address + ObjectFields.length), most);
    }
    this.#object(plan, address, -1, end);
  }

  #object(plan: TypePlan, address: Address, block: number, end: Address): void {
    const u32 = this.#u32;
    const w = address >>> 2;
    const { fields, shape, flags } = plan;
    for (let field = 0; field < fields.length; field += 2) {
      const pointer = u32[w + (fields[field] as number)] as number;
      if (pointer !== 0) this.#edges.edge(pointer, fields[field + 1] as number);
    }
    if (plan.guesses.length > 0 && block >= 0) this.#memory(plan, w, block);
    if (plan.heap) this.#edges.edge(plan.address, this.#classEdge);
    if ((flags & MoreTypeFlags.managedDict) !== 0 && block >= 0)
      this.#dicts.managedDict({ plan, address, block, end });
    if (shape === Shape.plain) return;
    if (shape === Shape.tuple) this.#tuple(address, end, plan);
    else if (shape === Shape.list) this.#list(address, block);
    else if (shape === Shape.dict) this.#dicts.dict(address, block);
    else if (shape === Shape.set) this.#set(address, block);
    else this.#others({ plan, address, block, end });
  }

  /** The value of JavaScript's that a JsProxy has. */
  #javascript(address: Address): void {
    const node = this.#nodes.javascript.at(this.#edges.word(address + JS_REFERENCE));
    if (node !== 0) this.#nodes.builder.edge(node, this.#javascriptEdge);
  }

  #others(place: Place): void {
    const { plan, address, block, end } = place;
    switch (plan.shape) {
      case Shape.javascript:
        this.#javascript(address);
        break;
      case Shape.orderedDict:
        this.#dicts.dict(address, block);
        this.#dicts.orderedKeys(address, block);
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
        this.#moduleState(place);
        break;
      case Shape.generator:
        this.#frames.frame(address + FrameFields.inGenerator, end, this.#frames.isCleared(address));
        break;
      case Shape.frame: {
        const own = address + plan.basicSize - FrameFields.first;
        if (this.#edges.word(address + FrameFields.ofFrame) === own)
          this.#frames.frame(own, end, false);
        break;
      }
      case Shape.link: {
        const next = this.#edges.word(address + OddFields.nextLink);
        const { types } = this.#objects;
        const type = types.plans[types.numberOf(this.#edges.word(next + ObjectFields.type))];
        if (type?.cName === "functools._lru_list_elem") this.#edges.internal(next, "next");
        break;
      }
      case Shape.element:
        this.#element(address, block);
        break;
      case Shape.datetime:
        this.#zone(address, OddFields.zoneOfDate);
        break;
      case Shape.time:
        this.#zone(address, OddFields.zoneOfTime);
        break;
      case Shape.tail: {
        const items = this.#edges.word(address + ObjectFields.length) * plan.itemSize;
        const from = address + plan.basicSize;
        this.#edges.guesses(address, from, Math.min(from + items, end));
        break;
      }
      default:
    }
  }

  /** The words of memory that belongs to an object by guesses; their offsets go on where its struct ends. */
  #memory(plan: TypePlan, w: number, block: number): void {
    for (const word of plan.guesses) {
      const owned = this.#nodes.ownedBlock(this.#u32[w + word] as number, block);
      if (owned >= 0) this.#ownedMemory(plan, owned, block);
    }
  }

  #ownedMemory(plan: TypePlan, first: number, block: number): void {
    const { starts, sizes } = this.#objects.blocks;
    const seen = new Set([first]);
    for (const owned of seen) {
      const start = starts[owned] as number;
      const size = sizes[owned] as number;
      this.#edges.guesses(start - plan.basicSize, start, start + size);
      if (size > MOST_SCANNED) continue;
      for (let at = start; at + 4 <= start + size; at += 4) {
        const next = this.#nodes.ownedBlock(this.#u32[at >>> 2] as number, block);
        if (next >= 0) seen.add(next);
      }
    }
  }

  #element(address: Address, block: number): void {
    const edges = this.#edges;
    edges.internal((edges.word(address + ElementFields.text) & ~1) >>> 0, "text");
    edges.internal((edges.word(address + ElementFields.tail) & ~1) >>> 0, "tail");
    const extra = edges.word(address + ElementFields.extra);
    if (this.#nodes.ownedBlock(extra, block) < 0) return;
    edges.internal(edges.word(extra + ElementFields.attributes), "attrib");
    const children = edges.word(extra + ElementFields.children);
    const owned = this.#nodes.ownedBlock(children, block);
    const outside = owned < 0 ? 0 : (this.#objects.blocks.sizes[owned] as number) >>> 2;
    const inside = children === extra + ElementFields.firstChild ? ElementFields.roomInside : 0;
    this.#items(children, Math.min(edges.word(extra + ElementFields.length), inside + outside));
  }

  #zone(address: Address, offset: number): void {
    const has = this.#u8[address + OddFields.hasZone] !== 0;
    if (has) this.#edges.internal(this.#edges.word(address + offset), "tzinfo");
  }

  /** The words of a module's state, which are known to nobody but it. */
  #moduleState({ plan, address, block: owner }: Place): void {
    const state = this.#edges.word(address + Owned.moduleState);
    const block = this.#nodes.ownedBlock(state, owner);
    if (block < 0) return;
    const definition = this.#edges.word(address + Owned.moduleDefinition);
    const size = this.#edges.word(definition + Owned.definitionStateSize);
    const room = this.#objects.blocks.sizes[block] as number;
    const end = state + Math.min(size, room);
    this.#edges.guesses(state, state, end);
    for (let at = state; at + 4 <= end && size <= MOST_SCANNED; at += 4) {
      const next = this.#nodes.ownedBlock(this.#edges.word(at), owner);
      if (next >= 0 && next !== block) this.#ownedMemory(plan, next, owner);
    }
  }

  /** The words of a block that belongs to an object. */
  #ownedWords(at: Address, owner: number, name: string): void {
    const start = this.#edges.word(at);
    const block = this.#nodes.ownedBlock(start, owner);
    if (block < 0) return;
    const size = this.#objects.blocks.sizes[block] as number;
    for (let word = 0; word + 4 <= size; word += 4)
      this.#edges.internal(this.#edges.word(start + word), name);
  }

  #tuple(address: Address, end: Address, plan: TypePlan): void {
    const first = address + this.#tupleItems;
    const length = Math.max(this.#edges.word(address + ObjectFields.length), plan.leastItems);
    const room = (end - first) >>> 2;
    this.#items(first, Math.min(length, room));
  }

  #items(first: Address, count: number): void {
    const w = first >>> 2;
    for (let item = 0; item < count; item++) {
      const pointer = this.#u32[w + item] as number;
      if (pointer !== 0) this.#edges.edge(pointer, edgeName(EdgeKind.item, item));
    }
  }

  #list(address: Address, block: number): void {
    const items = this.#edges.word(address + ObjectFields.listItems);
    const owned = this.#nodes.ownedBlock(items, block);
    if (owned < 0) return;
    const room = (this.#objects.blocks.sizes[owned] as number) >>> 2;
    this.#items(items, Math.min(this.#edges.word(address + ObjectFields.length), room));
  }

  #set(address: Address, block: number): void {
    const table = this.#edges.word(address + SetFields.table);
    const mask = this.#edges.word(address + SetFields.mask);
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
        this.#edges.edge(key, edgeName(EdgeKind.key, slot));
    }
  }

  /** The items of a deque: in a chain of pieces, each of which knows the one before. */
  #deque(address: Address, block: number): void {
    const first = this.#edges.word(address + DequeFields.left);
    const length = this.#edges.word(address + ObjectFields.length);
    let from = Math.min(this.#edges.word(address + DequeFields.leftIndex), DequeFields.blockItems);
    let before = 0;
    let piece = first;
    for (let item = 0; item < length && this.#nodes.ownedBlock(piece, block) >= 0; ) {
      if (piece !== first && this.#edges.word(piece) !== before) return;
      for (; from < DequeFields.blockItems && item < length; from++, item++) {
        this.#edges.edge(this.#edges.word(piece + 4 + 4 * from), edgeName(EdgeKind.item, item));
      }
      from = 0;
      before = piece;
      piece = this.#edges.word(piece + DequeFields.blockRight);
      if (piece === first) return;
    }
  }

  #type(address: Address, block: number): void {
    const flags = this.#edges.word(address + ObjectFields.typeFlags);
    if ((flags & MoreTypeFlags.managedStatic) !== 0) {
      for (const [name, pointer] of this.#interpreter.managed(address))
        this.#edges.internal(pointer, name);
    }
    if ((flags & MoreTypeFlags.heap) === 0) return;
    this.#edges.internal(this.#edges.word(address + TypeFields.name), "__name__");
    this.#edges.internal(this.#edges.word(address + TypeFields.slots), "__slots__");
    this.#edges.internal(this.#edges.word(address + TypeFields.qualifiedName), "__qualname__");
    this.#edges.internal(this.#edges.word(address + TypeFields.module), "module");
    const keys = this.#edges.word(address + TypeFields.cachedKeys);
    const owned = this.#nodes.ownedBlock(keys, block);
    if (owned >= 0) this.#dicts.entries(keys, owned);
  }
}
