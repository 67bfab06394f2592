/** Arenas that are nearly empty and can't be given back, for a few blocks in them are in use. */
import type { Address } from "../../base/base.js";
import { type Blocks, type MemoryImage, walkMemory } from "../memory/memory.js";
import type { Analysis } from "./analysis.js";

/** An arena, and what pins it. */
export interface PinRow {
  /** Where its first pool begins. */
  readonly address: Address;
  /** Bytes of the arena, and those of them that blocks in use take. */
  readonly size: number;
  readonly used: number;
  /** How many blocks are in use. */
  readonly blocks: number;
  /** What is in them, the most frequent types first: `dict 3, app.Order 2`. */
  readonly types: string;
}

/** An arena is nearly empty when blocks in use take less than this share of it. */
const NEARLY_EMPTY = 0.25;

/** So many types are named. */
const MOST_TYPES = 5;

interface Arena {
  readonly size: number;
  from: Address;
  to: Address;
  used: number;
}

function arenasOf(image: MemoryImage): Arena[] {
  const arenas: Arena[] = [];
  walkMemory(image, {
    arena: (size) => arenas.push({ size, from: 0, to: 0, used: 0 }),
    pool({ start, end, used, size }) {
      const arena = arenas.at(-1);
      if (arena === undefined) return;
      arena.from ||= start;
      arena.to = end;
      arena.used += used * size;
    },
    block() {},
    free() {},
    table() {},
    overhead() {},
  });
  return arenas;
}

/** The first block that begins at an address or behind it. */
function firstBlock({ starts, count }: Blocks, address: Address): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] as number) < address) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The arenas that are nearly empty, those first that keep most bytes from being given back. */
export function pinsOf({ facts, words }: Analysis, image: MemoryImage, blocks: Blocks): PinRow[] {
  const rows: PinRow[] = [];
  for (const { size, from, to, used } of arenasOf(image)) {
    if (used === 0 || used >= NEARLY_EMPTY * size) continue;
    const counts = new Map<string, number>();
    const first = firstBlock(blocks, from);
    const end = firstBlock(blocks, to);
    for (let block = first; block < end; block++) {
      // An object may begin behind a head.
      const start = blocks.starts[block] as number;
      const node = [0, 8, 16].map((lead) => facts.nodeAt(start + lead)).find((n) => n !== 0) ?? 0;
      const type = node === 0 ? "memory" : words.type(node);
      counts.set(type, (counts.get(type) ?? 0) + 1);
    }
    const types = [...counts]
      .sort(([, a], [, b]) => b - a)
      .slice(0, MOST_TYPES)
      .map(([type, count]) => `${type} ${count}`)
      .join(", ");
    rows.push({ address: from, size, used, blocks: end - first, types });
  }
  return rows.sort((a, b) => b.size - b.used - (a.size - a.used));
}
