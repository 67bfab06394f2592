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
 * Walks over dlmalloc's chunks; undefined where the memory from `__heap_base` to the break is not one row
 * of them (another malloc, or a piece that someone else took).
 *
 * A chunk begins with the size of the chunk before it and its own size, whose lowest three bits are
 * flags: 2 stands for "in use".
 */
export function surveyChunks(
  program: EmscriptenProgram,
  holeLimit: number,
): ChunkSurvey | undefined {
  const words = new Uint32Array(program.memory.buffer);
  const end = program.break();
  let chunk: Address = program.heapBase;
  let blocks = 0;
  let holeBytes = 0;
  while (chunk < end) {
    const head = words[(chunk + 4) / 4] as number;
    const size = head - (head % 8);
    if (size < 16) return undefined;
    if ((head & 2) !== 0) blocks++;
    else if (size < holeLimit) holeBytes += size;
    chunk += size;
  }
  return chunk === end ? { blocks, holeBytes } : undefined;
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
