/**
 * Events as the payload of a chunk. Three columns, one after the other, compress better than the events
 * one by one:
 *
 *   | op of each event, a byte | blocks of the reallocs and frees: 4 planes | sizes of all but the frees |
 *
 * A block is written as the step from the block of the realloc or free before it in the chunk, since programs
 * free in the order in which they allocated, or backwards. Steps go into planes: first the lowest bytes of all
 * steps, then the next ones. Sizes are varints of 7 bits a byte, the lowest first.
 */
import { type EventChunk, Op } from "./events.js";
import { DamageError } from "./format.js";

const PLANES = 4;
/** A byte, and what a realloc needs. */
const MAX_EVENT_BYTES = 1 + PLANES + 5;

/** Steps of either sign as small numbers: 0, -1, 1, -2, ... as 0, 1, 2, 3, ..., all modulo 2^32. */
function zigzag(step: number): number {
  return ((step << 1) ^ (step >> 31)) >>> 0;
}

function unzigzag(code: number): number {
  return (code >>> 1) ^ -(code & 1);
}

export function encodeEvents({ count, ops, blocks, sizes }: EventChunk): Uint8Array {
  let steps = 0;
  for (let i = 0; i < count; i++) if ((ops[i] as number) >= Op.realloc) steps++;
  const bytes = new Uint8Array(count * MAX_EVENT_BYTES);
  bytes.set(ops.subarray(0, count));
  let plane = count;
  let end = count + PLANES * steps;
  let before = 0;
  for (let i = 0; i < count; i++) {
    const op = ops[i] as number;
    if (op >= Op.realloc) {
      const block = blocks[i] as number;
      const code = zigzag((block - before) | 0);
      for (let n = 0; n < PLANES; n++) bytes[plane + n * steps] = code >>> (8 * n);
      before = block;
      plane++;
    }
    if (op !== Op.free) {
      let size = sizes[i] as number;
      for (; size > 127; size >>>= 7) bytes[end++] = (size & 127) | 128;
      bytes[end++] = size;
    }
  }
  return bytes.subarray(0, end);
}

/**
 * The events of a payload; the blocks that they allocate are numbered from `next` on.
 *
 * @throws DamageError when these can't be the events
 */
export function decodeEvents(bytes: Uint8Array, count: number, next: number): EventChunk {
  const ops = new Uint8Array(bytes.subarray(0, count));
  let steps = 0;
  for (const op of ops) {
    if (op > Op.free) throw new DamageError(`there is no operation ${op}`);
    if (op >= Op.realloc) steps++;
  }
  let at = count + PLANES * steps;
  if (at > bytes.length) throw new DamageError(`${count} events need more than these bytes`);
  const blocks = new Uint32Array(count);
  const sizes = new Uint32Array(count);
  let plane = count;
  let before = 0;
  for (let i = 0; i < count; i++) {
    const op = ops[i] as number;
    if (op < Op.realloc) {
      blocks[i] = next++;
    } else {
      let code = 0;
      for (let n = 0; n < PLANES; n++) code |= (bytes[plane + n * steps] as number) << (8 * n);
      before = (before + unzigzag(code)) >>> 0;
      blocks[i] = before;
      plane++;
    }
    if (op !== Op.free) {
      let size = 0;
      let scale = 1;
      let byte: number;
      do {
        if (at === bytes.length) throw new DamageError("the sizes end too early");
        byte = bytes[at++] as number;
        size += (byte & 127) * scale;
        scale *= 128;
      } while (byte > 127 && scale <= 2 ** 28);
      if (byte > 127 || size > 0xffffffff) throw new DamageError("a size is beyond 32 bits");
      sizes[i] = size;
    }
  }
  if (at !== bytes.length) throw new DamageError(`${bytes.length - at} bytes follow the sizes`);
  return { count, ops, blocks, sizes };
}
