/** The malloc of an own memory, with a memory that is looked at from outside. */
import { largeLayout as L, unsigned } from "../../base/base.js";
import { LARGE_ROOT, type Large, LargeBlocks, standaloneHost } from "../../hosts/hosts.js";

export const PAGE = 65536;

export interface Block {
  readonly p: number;
  readonly size: number;
  /** Has somebody got it? Not where it waits. */
  readonly inUse: boolean;
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

  /** All blocks but the malloc's own two, by its maps. */
  readonly blocks = (): Block[] => {
    const blocks: Block[] = [];
    const words = new Uint32Array(this.memory.buffer);
    const large = new LargeBlocks(words, LARGE_ROOT, unsigned(this.system.end()));
    for (const { from, to } of large.rows) {
      large.walk(from, to, (p, size, inUse) => blocks.push({ p, size, inUse }));
    }
    return blocks;
  };

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
      L.LONGEST_WAITING + 1,
    );
    return lists.some((first) => first !== 0);
  }
}
