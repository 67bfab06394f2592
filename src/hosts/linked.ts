/** pymalloc in a program that it was linked into (`pymalloc link`): its heap, seen from outside. */
import { instantiateCore } from "../core.js";
import { layout, linkedLayout } from "../generated/modules.js";
import type { Domain } from "../types.js";
import type { EmscriptenProgram } from "./emscripten.js";
import type { Takeover } from "./takeover.js";

/** A number that stands for the layout of a heap (FNV-1a of its description). */
export const layoutMark = [...JSON.stringify(layout)].reduce(
  (hash, character) => Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0,
  0x811c9dc5,
);

/** What a core that only looks is over. */
const nothing: Domain = { malloc: () => 0, calloc: () => 0, realloc: () => 0, free() {} };
const noArenas = { alloc: () => 0, free() {}, hole: () => 0 };

/**
 * The heap that was linked in, where it is in force: with PYTHONMALLOC=malloc or mimalloc it is not.
 * @throws Error where the heap is none of this version's
 */
export function linkedHeap(program: EmscriptenProgram): Takeover | undefined {
  const { memory } = program;
  const root = program.addressOf("pymalloc_root");
  if (root === undefined) return undefined;
  const bytes = new DataView(memory.buffer, root);
  if (bytes.getUint32(linkedLayout.STATE_LAYOUT, true) !== layoutMark) {
    throw new Error(
      "install: this Pyodide was linked by another version of pymalloc; link it anew with this one " +
        "(or its memory is that of a snapshot which another program made)",
    );
  }
  if (bytes.getUint8(linkedLayout.STATE_PLACED) === 0) return undefined;
  const core = instantiateCore(memory, root, nothing, nothing, noArenas);
  return { core, root, debugHeap: undefined, validateBlocks() {} };
}
