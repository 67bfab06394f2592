/** dlmalloc, the malloc of Emscripten's programs: what its memory looks like, and what to do about it. */
import type { ArenaSource } from "../core.js";
import { layout } from "../generated/modules.js";
import type { Address } from "../types.js";
import type { EmscriptenProgram } from "./emscripten.js";

/** What a walk over dlmalloc's memory found. */
export interface ChunkSurvey {
  /** Blocks in use. */
  readonly blocks: number;
  /** Bytes in free chunks that are shorter than `holeLimit`. */
  readonly holeBytes: number;
}

const NO_HOLES: ChunkSurvey = { blocks: 0, holeBytes: 0 };

/**
 * Walks over dlmalloc's chunks and shows each to `see`: where its block begins, how long the chunk is, whether
 * it is in use. Returns false where the memory from `__heap_base` to the break is not one row of them (another
 * malloc, or a piece that someone else took).
 *
 * A chunk begins with the size of the chunk before it and its own size, whose lowest three bits are
 * flags: 2 stands for "in use". The block follows.
 */
function walkChunks(
  program: EmscriptenProgram,
  see: (block: Address, size: number, inUse: boolean) => void,
): boolean {
  const words = new Uint32Array(program.memory.buffer);
  const end = program.break();
  let chunk: Address = program.heapBase;
  while (chunk < end) {
    const head = words[(chunk + 4) / 4] as number;
    const size = head - (head % 8);
    if (size < 16) return false;
    see(chunk + 8, size, (head & 2) !== 0);
    chunk += size;
  }
  return chunk === end;
}

/** Counts dlmalloc's blocks and holes; undefined where they can't be found. */
export function surveyChunks(
  program: EmscriptenProgram,
  holeLimit: number,
): ChunkSurvey | undefined {
  let blocks = 0;
  let holeBytes = 0;
  const whole = walkChunks(program, (_block, size, inUse) => {
    if (inUse) blocks++;
    else if (size < holeLimit) holeBytes += size;
  });
  return whole ? { blocks, holeBytes } : undefined;
}

/** A map of dlmalloc's blocks at this moment. */
export interface BlockMap {
  /** Address of the bits, one for each 8 bytes of memory from `from` up to `to`. */
  readonly bits: Address;
  readonly from: Address;
  readonly to: Address;
}

/** Sets a bit for each block in use; undefined where they can't be found or there is no memory for the map. */
export function mapBlocks(program: EmscriptenProgram): BlockMap | undefined {
  const from = program.heapBase - (program.heapBase % 64);
  // The map is in that memory itself, and may make it longer.
  const room = Math.ceil((program.break() - from) / 64) + 64 * 1024;
  const bits = program.malloc.calloc(room, 1);
  if (bits === 0) return undefined;
  const map = { bits, from, to: Math.min(program.break(), from + room * 64) };
  const bytes = new Uint8Array(program.memory.buffer, bits, room);
  const whole = walkChunks(program, (block, _size, inUse) => {
    const bit = (block - from) >>> 3;
    if (inUse && block < map.to) bytes[bit >>> 3] = (bytes[bit >>> 3] as number) | (1 << (bit & 7));
  });
  if (whole) return map;
  program.malloc.free(bits);
  return undefined;
}

/** Arenas that are always granted at once: room for a pool of each size class. */
const FIRST_ARENAS = 16;

/** What a small block takes from dlmalloc, header and rounding included: rather too little than too much. */
const TYPICAL_BLOCK = 48;

/** An arena is granted after so many small blocks at the latest: a class may be waiting for its first pool. */
const LONGEST_HOLD = 1024;

/** Holes are looked for again when arenas take a 16th of the heap more than ever, and at least this much. */
const LEAST_GROWTH = 256 * 1024;

/**
 * Arenas for a heap that has run for a while. It is full of holes too short for an arena: two of eleven
 * megabytes after Pyodide's start. So, as the arenas become more, the holes are surveyed, and the
 * next arenas are held off until as many small blocks as should fill them were taken one by one from
 * dlmalloc, which puts them there.
 *
 * @param holdOff makes so many small requests go to dlmalloc before the next arena is asked for
 */
export function afterHoles(
  program: EmscriptenProgram,
  arenas: ArenaSource,
  holdOff: (requests: number) => void,
): ArenaSource {
  let live = 0;
  let surveyAt = FIRST_ARENAS;
  let blocksToFill = 0;

  function survey(): void {
    const { holeBytes } = surveyChunks(program, layout.ARENA_SIZE + layout.POOL_SIZE) ?? NO_HOLES;
    blocksToFill = Math.floor(holeBytes / TYPICAL_BLOCK);
    const growth = Math.max(LEAST_GROWTH, (program.break() - program.heapBase) / 16);
    surveyAt = live + Math.ceil(growth / layout.ARENA_SIZE);
  }

  return {
    alloc(bytes) {
      const p = arenas.alloc(bytes);
      if (p === 0) return 0;
      live++;
      if (live > surveyAt) survey();
      if (live > FIRST_ARENAS) {
        const requests = Math.min(blocksToFill, LONGEST_HOLD);
        blocksToFill -= requests;
        holdOff(requests);
      }
      return p;
    },
    free(p, bytes) {
      live--;
      arenas.free(p, bytes);
    },
  };
}
