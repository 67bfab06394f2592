/** The malloc of an own memory, with a memory that is looked at from outside. */
import { largeLayout as L } from "../../base/base.js";
import {
  LARGE_ROOT,
  type Large,
  LargeBlocks,
  largeEnd,
  standaloneHost,
} from "../../hosts/hosts.js";

export const PAGE = 65536;

export interface Block {
  readonly p: number;
  readonly size: number;
  /** Has somebody got it? Not where it waits. */
  readonly inUse: boolean;
  readonly waits: boolean;
}

/** All blocks of the malloc at LARGE_ROOT but its own two, by its maps. */
export function blocksOf(memory: WebAssembly.Memory): Block[] {
  const blocks: Block[] = [];
  const words = new Uint32Array(memory.buffer);
  const bits = words[(LARGE_ROOT + L.STATE_BITS) / 4] as number;
  const uses = (words[(LARGE_ROOT + L.STATE_USES) / 4] as number) / 4;
  const large = new LargeBlocks(words, LARGE_ROOT, largeEnd(words));
  for (const { from, to } of large.rows) {
    large.walk(from, to, (p, size, inUse) => {
      const isInMap = ((words[uses + (p >>> (bits + 5))] as number) >>> ((p >>> bits) & 31)) & 1;
      blocks.push({ p, size, inUse, waits: isInMap === 1 && !inUse });
    });
  }
  return blocks;
}

export class Watched {
  readonly memory: WebAssembly.Memory;
  readonly system: Large;
  readonly granule: number;

  /** @param pools do small blocks come from pools? Then granules have 64 bytes, else 16 */
  constructor(pools: boolean, maximumPages = 1024) {
    const host = standaloneHost(1, maximumPages, pools);
    this.memory = host.memory;
    this.system = host.system as Large;
    this.granule = pools ? 64 : 16;
    this.system.free(this.system.malloc(1));
  }

  readonly blocks = (): Block[] => blocksOf(this.memory);

  /** The longest piece that could be given out, were all that waits free. */
  longestFree(): number {
    let longest = 0;
    let [end, size] = [0, 0];
    for (const block of this.blocks()) {
      if (block.inUse) continue;
      size = block.p === end ? size + block.size : block.size;
      end = block.p + block.size;
      longest = Math.max(longest, size);
    }
    return longest;
  }

  /** Is there a block that waits? */
  anyWaits(): boolean {
    const lists = new Uint32Array(
      this.memory.buffer,
      LARGE_ROOT + L.WAITING,
      2 * (L.LONGEST_WAITING / 16),
    );
    return lists.some((first) => first !== 0);
  }
}
