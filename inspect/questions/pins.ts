/** Pools that are nearly empty: a few blocks in use pin them, so that nothing of another size can have their memory. */
import type { Address } from "../../base/base.js";
import { LEADS } from "../../python/python.js";
import { countBelow } from "../graph/graph.js";
import { type Blocks, type MemoryImage, walkMemory } from "../memory/memory.js";
import type { Analysis } from "./analysis.js";

/** The nearly empty pools of one size class. */
export interface PinRow {
  /** Bytes in a block. */
  readonly size: number;
  /** How many pools. */
  readonly pools: number;
  /** Bytes of these pools. */
  readonly bytes: number;
  /** Those of them that blocks in use take. */
  readonly used: number;
  /** How many blocks are in use. */
  readonly blocks: number;
  /** What is in them, the most frequent types first: `dict 3, app.Order 2`. */
  readonly types: string;
  /** Where the emptiest of the pools begins. */
  readonly address: Address;
}

/** A pool is nearly empty when blocks in use take less than this share of it. */
const NEARLY_EMPTY = 0.25;

/** So many types are named. */
const MOST_TYPES = 5;

interface Row {
  pools: number;
  bytes: number;
  used: number;
  blocks: number;
  least: number;
  address: Address;
  readonly types: Map<string, number>;
}

/** The nearly empty pools by size class, those first that keep most bytes from others. */
export function pinsOf({ facts, words }: Analysis, image: MemoryImage, blocks: Blocks): PinRow[] {
  const rows = new Map<number, Row>();
  const typeAt = (start: Address): string => {
    const node = LEADS.map((lead) => facts.nodeAt(start + lead)).find((n) => n !== 0);
    return node === undefined ? "memory" : words.type(node);
  };
  walkMemory(image, {
    pool({ start, end, size, used }) {
      if (used === 0 || used * size >= NEARLY_EMPTY * (end - start)) return;
      const row = rows.get(size) ?? emptyRow();
      rows.set(size, row);
      row.pools++;
      row.bytes += end - start;
      row.used += used * size;
      if (used < row.least) Object.assign(row, { least: used, address: start });
      const { starts, count } = blocks;
      const last = countBelow(starts, count, end);
      for (let block = countBelow(starts, count, start); block < last; block++) {
        const type = typeAt(starts[block] as number);
        row.types.set(type, (row.types.get(type) ?? 0) + 1);
        row.blocks++;
      }
    },
    block() {},
  });
  return [...rows]
    .map(([size, { pools, bytes, used, blocks: count, types, address }]): PinRow => {
      return { size, pools, bytes, used, blocks: count, types: mostOf(types), address };
    })
    .sort((a, b) => b.bytes - b.used - (a.bytes - a.used));
}

function emptyRow(): Row {
  const least = Number.POSITIVE_INFINITY;
  return { pools: 0, bytes: 0, used: 0, blocks: 0, least, address: 0, types: new Map() };
}

function mostOf(types: ReadonlyMap<string, number>): string {
  const most = [...types].sort(([, a], [, b]) => b - a).slice(0, MOST_TYPES);
  return most.map(([type, count]) => `${type} ${count}`).join(", ");
}
