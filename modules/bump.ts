/**
 * The cheapest allocators there could be, to compare with: a pointer that moves on. One never uses memory
 * again: what it takes is the sum of all requests. The other starts again after `span` bytes, over blocks that
 * are live; it is no allocator, but nothing that is one can be faster.
 */

/** Where the memory begins that blocks are taken from, and after how many bytes it begins again; 0 for never. */
declare const start: usize;
declare const span: usize;

let top: usize = 0;

function take(bytes: usize): usize {
  // In front of a block its size, for realloc.
  const whole = (bytes + 15) & ~7;
  if (top === 0 || (span !== 0 && top + whole > start + span)) top = start;
  const base = top;
  if (span !== 0 && whole > span) return 0;
  const pages = <i32>((base + whole + 0xffff) >>> 16) - memory.size();
  if (pages > 0 && memory.grow(max(pages, memory.size() >> 3)) < 0 && memory.grow(pages) < 0)
    return 0;
  top = base + whole;
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
  const p = take(count * size);
  if (p !== 0) memory.fill(p, 0, count * size);
  return p;
}

export function realloc(p: usize, bytes: usize): usize {
  const q = take(bytes);
  if (q !== 0 && p !== 0) memory.copy(q, p, min<usize>(<usize>load<u32>(p - 8), bytes));
  return q;
}

export function free(_p: usize): void {}
