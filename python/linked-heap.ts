/** pymalloc in a program that it was linked into (`pymalloc link`): its heap, seen from outside. */
import {
  type Address,
  bytesAt,
  type Core,
  conflict,
  type Domain,
  debugLayout,
  instantiateCore,
  layoutMark,
  linkedLayout,
  loadWord,
} from "../base/base.js";
import type { EmscriptenProgram } from "../hosts/hosts.js";
import { quiet, type Takeover } from "./takeover.js";

/** What a core that only looks is over. */
export const nothing: Domain = { malloc: () => 0, calloc: () => 0, realloc: () => 0, free() {} };
const noArenas = { alloc: () => 0, free() {} };

/** The root of the heap that was linked in, whether it is in force or not. @throws Error like `linkedHeap` */
export function linkedRoot(program: EmscriptenProgram, where: string): Address | undefined {
  const { memory } = program;
  const root = program.addressOf("pymalloc_root");
  if (root === undefined) return undefined;
  if (loadWord(memory, root + linkedLayout.STATE_LAYOUT) !== layoutMark) {
    throw conflict(
      `${where}: this Pyodide was linked by another version of pymalloc; link it anew with this one ` +
        "(or its memory is that of a snapshot which another program made)",
    );
  }
  return root;
}

/** The root of the heap that was linked in, where pools of its are in force; else undefined. @throws Error like `linkedHeap` */
export function placedRoot(program: EmscriptenProgram, where: string): Address | undefined {
  const root = linkedRoot(program, where);
  if (root === undefined) return undefined;
  const [placed] = bytesAt(program.memory, root + linkedLayout.STATE_PLACED, 1);
  return placed === 0 ? undefined : root;
}

/** The ledger of the debug heap that was linked in, once it has made a block; else undefined. */
export function linkedLedger(program: EmscriptenProgram): Address | undefined {
  const ledger = program.addressOf("pymalloc_ledger");
  if (ledger === undefined) return undefined;
  return loadWord(program.memory, ledger + debugLayout.SERIAL) === 0 ? undefined : ledger;
}

/** A core that only looks. */
export function lookingCore({ memory }: EmscriptenProgram, root: Address): Core {
  return instantiateCore(memory, root, nothing, nothing, noArenas);
}

/**
 * The heap that was linked in, where it is in force: with PYTHONMALLOC=malloc or mimalloc it is not.
 * @throws Error where the heap is none of this version's
 */
export function linkedHeap(program: EmscriptenProgram): Takeover | undefined {
  const root = placedRoot(program, "install");
  if (root === undefined) return undefined;
  // What a limit has to do is linked in, too.
  return { core: lookingCore(program, root), root, debugHeap: undefined, refusing: [], ...quiet };
}
