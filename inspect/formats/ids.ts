/**
 * What a node is called in a .heapsnapshot: a number that stays from one snapshot of a process to the next. Readers compare
 * two snapshots by it.
 *
 *     an address   31                            3  2    1  0
 *                 |  the address, from bit 3 on    | type | 1 |
 *
 * Nodes that lie in memory have odd numbers, as V8's objects do: no two of them begin in the same eight bytes. The two bits of
 * the type are there so that most objects at an address that was used again get another number. Nodes without memory have
 * even numbers, made of their name.
 */

/** The root's number, in V8's snapshots as well. */
export const ROOT_ID = 1;

/** A number below 2^32 that is as good as random. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  value ^= value >>> 15;
  value = Math.imul(value, 0x85ebca6b);
  return (value ^ (value >>> 13)) >>> 0;
}

/** The lowest three bits of an object of this type. */
export function typeTag(type: string): number {
  return ((hash(type) & 3) << 1) | 1;
}

/** The number of what lies at an address. */
export function idAt(address: number, tag: number): number {
  return ((address & ~7) | tag) >>> 0;
}

/** Gives numbers to what has no address. */
export class NamedIds {
  readonly #taken = new Set<number>();

  /** A number of its own; of nodes with the same name, each has another. */
  of(name: string): number {
    let id = (hash(name) & ~1) >>> 0;
    while (id === 0 || this.#taken.has(id)) id = (id + 2) >>> 0;
    this.#taken.add(id);
    return id;
  }
}
