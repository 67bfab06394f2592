/** The blocks that belong to an object: its items, keys, characters. */
import type { Address } from "../../base/base.js";
import {
  DequeFields,
  DictFields,
  ElementFields,
  MoreTypeFlags,
  ObjectFields,
  Owned,
  SetFields,
  TextFields,
  TypeFields,
} from "../../python/python.js";
import type { Objects } from "./objects.js";
import { charactersAt } from "./texts.js";
import { Shape, type TypePlan } from "./types.js";

/** A deque keeps so many blocks for later. */
const MOST_SPARES = 16;

/** Claims for every object what belongs to it. */
export function claimAll(objects: Objects): void {
  const { blocks, types } = objects;
  const claims = new Claims(objects);
  // First the types: keys that they share with their instances' dicts are theirs.
  for (let block = 0; block < blocks.count; block++) {
    const plan = objects.planOf(block);
    if (plan?.shape !== Shape.type) continue;
    types.numberOf((blocks.starts[block] as number) + plan.lead);
    claims.claim(block, plan);
  }
  for (let block = 0; block < blocks.count; block++) {
    const plan = objects.planOf(block);
    if (plan !== undefined && plan.shape !== Shape.type) claims.claim(block, plan);
  }
}

/** Gives blocks to the objects that they belong to. Each block is given once, so that rings of them end. */
class Claims {
  readonly #objects: Objects;
  readonly #u8: Uint8Array;
  readonly #u32: Uint32Array;
  readonly #inline: boolean;

  constructor(objects: Objects) {
    this.#objects = objects;
    this.#u8 = objects.image.u8;
    this.#u32 = objects.image.u32;
    this.#inline = objects.layout.inlineValues;
  }

  /** Claims what belongs to the object in a block. */
  claim(block: number, plan: TypePlan): void {
    const address = (this.#objects.blocks.starts[block] as number) + plan.lead;
    const { shape } = plan;
    if (!this.#inline && (plan.flags & MoreTypeFlags.managedDict) !== 0) {
      // Values in a block of their own, with some bytes in front of the first.
      const values = this.#word(address - 12);
      if ((values & 1) !== 0) this.#claimAround(values + 1, block);
    }
    if (plan.ownedBytes !== 0) this.#claim(address + plan.ownedBytes, block);
    if (shape === Shape.list) this.#claim(address + ObjectFields.listItems, block);
    else if (shape === Shape.dict) this.#claimDict(address, block);
    else if (shape === Shape.text) this.#claimText(address, block);
    else if (shape === Shape.set) {
      const table = this.#word(address + SetFields.table);
      if (table !== address + SetFields.smallTable) this.#claim(address + SetFields.table, block);
    } else if (shape > Shape.set) this.#claimOther(address, block, shape);
  }

  #claimOther(address: Address, block: number, shape: number): void {
    switch (shape) {
      case Shape.orderedDict:
        this.#claim(address + Owned.odictNodes, block);
        this.#claimChain(this.#word(address + Owned.odictFirst), 0, Owned.odictNodeNext, block);
        this.#claimDict(address, block);
        break;
      case Shape.deque: {
        const first = this.#word(address + DequeFields.left);
        const last = this.#word(address + DequeFields.right);
        this.#claimChain(first, last, DequeFields.blockRight, block);
        const spares = Math.min(this.#word(address + DequeFields.spares), MOST_SPARES);
        for (let spare = 0; spare < spares; spare++) {
          this.#claim(address + DequeFields.firstSpare + 4 * spare, block);
        }
        break;
      }
      case Shape.type:
        this.#claim(address + TypeFields.cachedKeys, block);
        this.#claim(address + TypeFields.doc, block);
        this.#claim(address + TypeFields.ownName, block);
        break;
      case Shape.code:
        this.#claim(address + Owned.codeExecutors, block);
        this.#claim(address + Owned.codeCached, block);
        break;
      case Shape.element: {
        const extra = this.#word(address + ElementFields.extra);
        this.#claim(address + ElementFields.extra, block);
        this.#claim(extra + ElementFields.children, block);
        break;
      }
      case Shape.module:
        this.#claim(address + Owned.moduleState, block);
        break;
      default:
    }
  }

  #word(address: Address): number {
    return this.#u32[address >>> 2] ?? 0;
  }

  /** Claims the block that the word at an address points to. */
  #claim(at: Address, owner: number): void {
    const pointer = this.#u32[at >>> 2] as number;
    if (pointer !== 0) this.#objects.claim(pointer, owner);
  }

  #claimText(address: Address, block: number): void {
    const state = this.#u32[(address + TextFields.state) >>> 2] as number;
    const short = TextFields.compactBit | TextFields.asciiBit;
    if ((state & short) === short) return;
    if ((state & TextFields.compactBit) === 0) this.#claim(address + TextFields.data, block);
    const data = charactersAt(this.#objects.image, address)?.data;
    if (this.#word(address + TextFields.utf8) !== data)
      this.#claim(address + TextFields.utf8, block);
  }

  #claimDict(address: Address, block: number): void {
    this.#claim(address + DictFields.keys, block);
    const values = this.#word(address + DictFields.values);
    if (values === 0) return;
    if (!this.#inline) this.#claimAround(values, block);
    else if (this.#u8[values + DictFields.embedded] === 0)
      this.#claim(address + DictFields.values, block);
  }

  #claimAround(pointer: Address, owner: number): void {
    const around = this.#objects.blockAround(pointer);
    if (around >= 0) this.#objects.claim(this.#objects.blocks.starts[around] as number, owner);
  }

  /** Claims a chain of blocks that are linked by a word of theirs. @param last its end, where the link of that says nothing */
  #claimChain(first: Address, last: Address, link: number, owner: number): void {
    let pointer = first;
    for (;;) {
      const block = this.#objects.claim(pointer, owner);
      if (block < 0 || pointer === last || (this.#objects.blocks.sizes[block] as number) < link + 4)
        return;
      pointer = this.#word(pointer + link);
    }
  }
}
