/** The blocks that belong to an object: its items, keys, characters. */
import {
  DequeFields,
  DictFields,
  MoreTypeFlags,
  Owned,
  SetFields,
  TextFields,
  TypeFields,
} from "../../python/python.js";
import type { Objects } from "./objects.js";
import { charactersAt } from "./texts.js";
import { Shape, type TypePlan } from "./types.js";

/** A chain of blocks ends after so many: a damaged memory can hold rings. (Each block is claimed once, so that rings end anyway.) */
const MOST_SPARES = 16;

/** Claims the blocks that belong to the object in a block. */
export function claimOwned(objects: Objects, block: number, plan: TypePlan): void {
  const { u32, u8 } = objects.image;
  const start = objects.blocks.starts[block] as number;
  const address = start + plan.lead;
  const w = address >>> 2;
  const word = (offset: number): number => u32[w + (offset >>> 2)] as number;
  const claim = (pointer: number): number => objects.claim(pointer, block);

  if (!objects.layout.inlineValues && (plan.flags & MoreTypeFlags.managedDict) !== 0) {
    // Values in a block of their own, with some bytes in front of the first.
    const values = u32[(start >>> 2) + 1] as number;
    if ((values & 1) !== 0) claimAround(objects, values + 1, block);
  }
  switch (plan.shape) {
    case Shape.list:
      claim(word(Owned.array));
      break;
    case Shape.orderedDict:
      claim(word(Owned.odictNodes));
      claimChain(objects, word(Owned.odictFirst), Owned.odictNodeNext, block);
      claimDict(objects, word(DictFields.keys), word(DictFields.values), block);
      break;
    case Shape.dict:
      claimDict(objects, word(DictFields.keys), word(DictFields.values), block);
      break;
    case Shape.set:
      if (word(SetFields.table) !== address + SetFields.smallTable) claim(word(SetFields.table));
      break;
    case Shape.text: {
      const state = word(TextFields.state);
      if ((state & TextFields.compactBit) === 0) claim(word(TextFields.data));
      if ((state & TextFields.asciiBit) === 0 || (state & TextFields.compactBit) === 0) {
        if (word(TextFields.utf8) !== charactersAt(objects.image, address)?.data) {
          claim(word(TextFields.utf8));
        }
      }
      break;
    }
    case Shape.bytearray:
      claim(word(Owned.bytearray));
      break;
    case Shape.array:
      claim(word(Owned.array));
      break;
    case Shape.deque: {
      claimChain(objects, word(DequeFields.left), DequeFields.blockRight, block);
      const spares = Math.min(word(DequeFields.spares), MOST_SPARES);
      for (let spare = 0; spare < spares; spare++) claim(word(DequeFields.firstSpare + 4 * spare));
      break;
    }
    case Shape.type:
      claim(word(TypeFields.cachedKeys));
      claim(word(TypeFields.doc));
      claim(word(TypeFields.ownName));
      break;
    case Shape.code:
      claim(word(Owned.codeExecutors));
      claim(word(Owned.codeCached));
      break;
    case Shape.module:
      claim(word(Owned.moduleState));
      break;
    default:
  }

  function claimDict(of: Objects, keys: number, values: number, owner: number): void {
    claim(keys);
    if (values === 0) return;
    if (!of.layout.inlineValues) claimAround(of, values, owner);
    else if (u8[values + DictFields.embedded] === 0) claim(values);
  }
}

function claimAround(objects: Objects, pointer: number, owner: number): void {
  const around = objects.blockAround(pointer);
  if (around >= 0) objects.claim(objects.blocks.starts[around] as number, owner);
}

/** Claims a chain of blocks that are linked by a word of theirs. */
function claimChain(objects: Objects, first: number, link: number, owner: number): void {
  let pointer = first;
  for (;;) {
    const block = objects.claim(pointer, owner);
    if (block < 0 || (objects.blocks.sizes[block] as number) < link + 4) return;
    pointer = objects.image.u32[(pointer + link) >>> 2] as number;
  }
}
