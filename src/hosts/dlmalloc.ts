/** dlmalloc, the malloc of Emscripten's programs: what its memory looks like, and what to do about it. */
import type { ArenaSource } from "../core.js";
import { layout } from "../generated/modules.js";
import type { EmscriptenProgram } from "./emscripten.js";

/** What a walk over dlmalloc's memory found. */
export interface ChunkSurvey {
  /** Blocks in use. */
  readonly blocks: number;
  /** Bytes in free chunks that are shorter than `holeLimit`. */
  readonly holeBytes: number;
}

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
  let chunk = program.heapBase;
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

/** Arenas that are granted at once: room for a pool of each size that programs commonly use. */
const FIRST_ARENAS = 8;

/** What a small request takes from dlmalloc on average, header and rounding included. */
const TYPICAL_BLOCK = 64;

/**
 * A heap that has run for a while is full of holes, most of them too short for an arena: two of eleven
 * megabytes after Pyodide's start. So, after the first few, arenas are refused until the holes are filled:
 * the core then takes small blocks from dlmalloc, which puts them there.
 *
 * How far that has come is only known by another walk over the heap; it is made when as many blocks were
 * taken as should fill the holes. What was freed meanwhile leaves holes behind, but three times around is enough.
 */
export function afterHoles(program: EmscriptenProgram, arenas: ArenaSource): ArenaSource {
  const holes = () => surveyChunks(program, layout.ARENA_SIZE + layout.POOL_SIZE)?.holeBytes ?? 0;
  const enough = holes() / 4;
  let granted = 0;
  let walks = 0;
  let refusals = 0;
  function refuses(): boolean {
    if (granted < FIRST_ARENAS || walks > 3) return false;
    if (refusals > 0) {
      refusals--;
      return true;
    }
    const left = holes();
    walks = left > enough ? walks + 1 : Number.POSITIVE_INFINITY;
    refusals = Math.floor(left / TYPICAL_BLOCK);
    return walks <= 3;
  }
  return {
    free: arenas.free,
    alloc(bytes) {
      if (refuses()) return 0;
      granted++;
      return arenas.alloc(bytes);
    },
  };
}
