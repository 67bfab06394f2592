/**
 * Replays a trace: the loop itself is here, so that nothing but the allocator's calls leaves WebAssembly. It
 * writes into the first and the last word of each block, as a program would.
 *
 * The tape has two words for each event: the kind in the upper two bits of the first and the slot of the block in
 * the others; then the bytes. A slot holds a block's address, and is used again when the block is dead.
 */

export declare function malloc(bytes: usize): usize;
export declare function calloc(count: usize, size: usize): usize;
export declare function realloc(p: usize, bytes: usize): usize;
export declare function free(p: usize): void;

/** Kinds of events, in the order of trace/events.ts. */
const MALLOC: u32 = 0;
const CALLOC: u32 = 1;
const REALLOC: u32 = 2;
const FREE: u32 = 3;

export const KIND_SHIFT: u32 = 30;
const SLOT_MASK: u32 = (1 << KIND_SHIFT) - 1;

export const EVENT_SIZE: usize = 8;

function touch(p: usize, bytes: usize): void {
  if (bytes < 4 || p === 0) return;
  store<u32>(p, <u32>p);
  store<u32>(p + ((bytes - 4) & ~3), <u32>p);
}

/** Plays `events` events; the number of requests that got no memory. */
export function replay(tape: usize, events: usize, slots: usize): u32 {
  let failures: u32 = 0;
  for (const end = tape + events * EVENT_SIZE; tape < end; tape += EVENT_SIZE) {
    const first = load<u32>(tape);
    const bytes = <usize>load<u32>(tape, 4);
    const slot = slots + <usize>(first & SLOT_MASK) * sizeof<usize>();
    const kind = first >>> KIND_SHIFT;
    if (kind === FREE) {
      free(load<usize>(slot));
      continue;
    }
    let p: usize;
    if (kind === MALLOC) p = malloc(bytes);
    else p = kind === CALLOC ? calloc(1, bytes) : realloc(load<usize>(slot), bytes);
    if (p === 0) failures++;
    // A block that could not be resized stays.
    if (p !== 0 || kind !== REALLOC) store<usize>(slot, p);
    touch(p, bytes);
  }
  return failures;
}
