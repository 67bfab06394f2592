/** pymalloc in a program that it was linked into (`pymalloc link`): its heap, seen from outside. */
import {
  type Address,
  bytesAt,
  conflict,
  type Domain,
  instantiateCore,
  layoutMark,
  linkedLayout,
  loadWord,
} from "../base/base.js";
import type { EmscriptenProgram } from "../hosts/hosts.js";
import type { Takeover } from "./takeover.js";

/** What a core that only looks is over. */
const nothing: Domain = { malloc: () => 0, calloc: () => 0, realloc: () => 0, free() {} };
const noArenas = { alloc: () => 0, free() {} };

/** The root of the heap that was linked in, where it is in force; else undefined. @throws Error like `linkedHeap` */
export function placedRoot(program: EmscriptenProgram, where: string): Address | undefined {
  const { memory } = program;
  const root = program.addressOf("pymalloc_root");
  if (root === undefined) return undefined;
  if (loadWord(memory, root + linkedLayout.STATE_LAYOUT) !== layoutMark) {
    throw conflict(
      `${where}: this Pyodide was linked by another version of pymalloc; link it anew with this one ` +
        "(or its memory is that of a snapshot which another program made)",
    );
  }
  return bytesAt(memory, root + linkedLayout.STATE_PLACED, 1)[0] === 0 ? undefined : root;
}

/**
 * The heap that was linked in, where it is in force: with PYTHONMALLOC=malloc or mimalloc it is not.
 * @throws Error where the heap is none of this version's
 */
export function linkedHeap(program: EmscriptenProgram): Takeover | undefined {
  const root = placedRoot(program, "install");
  if (root === undefined) return undefined;
  const core = instantiateCore(program.memory, root, nothing, nothing, noArenas);
  // What a limit has to do is linked in, too.
  return { core, root, debugHeap: undefined, refusing: [], validateBlocks() {} };
}
