/**
 * The cheapest allocators there could be, to compare with: a pointer that moves on. One never uses memory
 * again: what it takes is the sum of all requests. The other starts again after `span` bytes, over blocks that
 * are live; it is no allocator, but nothing that is one can be faster.
 */

/** Where the memory begins that blocks are taken from, and after how many bytes it begins again; 0 for never. */
declare const start: usize;
declare const span: usize;

let top: usize = 0;

/** As in CPython, no block is longer; and so no sum of an address and a size is beyond 32 bits unnoticed. */
const LARGEST: usize = 0x7fffffff;

function take(bytes: usize): usize {
  if (bytes > LARGEST) return 0;
  // In front of a block its size, for realloc.
  const whole = (bytes + 15) & ~7;
  if (span !== 0 && whole > span) return 0;
  if (top === 0 || (span !== 0 && top + whole > start + span)) top = start;
  const base = top;
  const end = <u64>base + whole;
  if (end > 0xffffffff) return 0;
  const pages = <i32>((end + 0xffff) >>> 16) - memory.size();
  if (pages > 0 && memory.grow(max(pages, memory.size() >> 3)) < 0 && memory.grow(pages) < 0)
    return 0;
  top = <usize>end;
  store<u32>(base, <u32>bytes);
  return base + 8;
}

/** The end of what was taken. */
export function end(): usize {
  return top === 0 ? start : top;
}

export function malloc(bytes: usize): usize {
  return take(bytes);
}

export function calloc(count: usize, size: usize): usize {
  const bytes = <u64>count * size;
  const p = bytes > LARGEST ? <usize>0 : take(<usize>bytes);
  if (p !== 0) memory.fill(p, 0, <usize>bytes);
  return p;
}

export function realloc(p: usize, bytes: usize): usize {
  const q = take(bytes);
  if (q === 0 || p === 0) return q;
  // Who starts again has written over the size: what is copied is nonsense then, but lies in the memory.
  const held = min<usize>(<usize>load<u32>(p - 8), bytes);
  memory.copy(q, p, min<usize>(held, ((<usize>memory.size()) << 16) - p));
  return q;
}

export function free(_p: usize): void {}
