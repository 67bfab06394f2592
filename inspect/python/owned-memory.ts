/** Memory of C's that one object alone points to: it belongs to that object, though its struct is not known. */
import { Owned } from "../../python/python.js";
import type { Objects } from "./objects.js";
import { Shape } from "./types.js";

/** Words of longer blocks are data rather than addresses. */
export const MOST_SCANNED = 8192;

/** Memory behind memory is followed so deep. */
const DEEPEST = 4;

/** In `wanted`: more than one object points to the block. */
const SHARED = -1;

export function claimMemory(objects: Objects): void {
  const { blocks, owner, typeOf, libraries } = objects;
  const { u32 } = objects.image;
  /** For each plain block that was met the block of the object that it would belong to. */
  const wanted = new Map<number, number>();

  const want = (pointer: number, by: number) => {
    const block = objects.blockAt(pointer);
    if (block < 0 || typeOf[block] !== 0 || owner[block] !== 0 || libraries.has(block)) return;
    const other = wanted.get(block);
    if (other === undefined) wanted.set(block, by);
    else if (other !== by) wanted.set(block, SHARED);
  };
  const scan = (block: number, by: number) => {
    const size = blocks.sizes[block] as number;
    const first = (blocks.starts[block] as number) >>> 2;
    if (size > MOST_SCANNED) return;
    for (let w = first; w < first + (size >>> 2); w++) want(u32[w] as number, by);
  };

  for (let block = 0; block < blocks.count; block++) {
    const plan = objects.planOf(block);
    if (plan === undefined || owner[block] !== 0) continue;
    const w = ((blocks.starts[block] as number) + plan.lead) >>> 2;
    for (const word of plan.guesses) want(u32[w + word] as number, block);
    if (plan.shape === Shape.module) {
      const state = objects.blockAt(u32[w + Owned.moduleState / 4] as number);
      if (state >= 0 && owner[state] === block + 1) scan(state, block);
    }
  }
  let met = 0;
  for (let depth = 0; depth < DEEPEST && met < wanted.size; depth++) {
    const level = [...wanted].slice(met);
    met = wanted.size;
    for (const [block, by] of level) if (by !== SHARED) owner[block] = by + 1;
    for (const [block, by] of level) if (by !== SHARED) scan(block, by);
  }
}
