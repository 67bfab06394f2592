/** Where the arenas of a heap come from: the system malloc, until an allocator is set. */
import { type Address, type ArenaAllocator, type ArenaSource, unsigned } from "../../base/base.js";
import { longestOf, type SystemArenas, unnested } from "../../hosts/hosts.js";
import { arenaMembers, copyOf, requireMembers } from "../domains.js";

export class ArenaAllocators {
  /** What the core takes its arenas from: the allocator in force. */
  readonly source: ArenaSource;
  readonly #default: ArenaAllocator;
  #current: ArenaAllocator;

  /** @param system takes arenas from the system malloc, which owns this memory */
  constructor(memory: WebAssembly.Memory, system: SystemArenas) {
    this.#default = Object.freeze({
      ctx: null,
      alloc: (_ctx: unknown, bytes: number) => unsigned(system.longest(bytes)),
      free: (_ctx: unknown, p: Address, bytes: number) => system.free(p, bytes),
    });
    this.#current = this.#default;
    this.source = unnested({
      // An allocator that was set is asked for the longest arenas only, and knows itself where to put them.
      alloc: () =>
        this.#current === this.#default ? system.alloc() : longestOf(memory, this.#current),
      free: (p, bytes) => this.#current.free(this.#current.ctx, p, bytes),
    });
  }

  get(): ArenaAllocator {
    return this.#current;
  }

  set(allocator: ArenaAllocator): void {
    requireMembers(allocator, arenaMembers, "PyObject_SetArenaAllocator");
    const known = allocator === this.#default || allocator === this.#current;
    this.#current = known ? allocator : copyOf(allocator, arenaMembers);
  }
}
