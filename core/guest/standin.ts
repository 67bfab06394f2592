/** For the time being: the interface of core/large, as simple as can be. */

import { ARENA_REQUEST, SLICE_SIZE, Spare } from "../layout";
import { ARENA_UNITS } from "../policy/policy";
import { largeRoot } from "./standin-host";

/** A chunk: its bytes, with bit 0 set when it is in use; and in front, those of the chunk before it. */
@unmanaged
class Chunk {
  before: usize;
  info: usize;
  next: Chunk;
  prev: Chunk;
}

@unmanaged
class Root {
  before: usize;
  info: usize;
  next: Chunk;
  prev: Chunk;
  end: usize;
  last: Chunk;
}

export const LARGE_ROOT_SIZE: usize = 32;
const HEADER: usize = 8;
const LEAST: usize = 16;

function rootOf(): Root {
  return changetype<Root>(largeRoot);
}

function list(): Chunk {
  return changetype<Chunk>(largeRoot);
}

function sizeOf(chunk: Chunk): usize {
  return chunk.info & ~1;
}

function isUsed(chunk: Chunk): bool {
  return (chunk.info & 1) !== 0;
}

function behind(chunk: Chunk): Chunk {
  return changetype<Chunk>(changetype<usize>(chunk) + sizeOf(chunk));
}

function unlink(chunk: Chunk): void {
  chunk.next.prev = chunk.prev;
  chunk.prev.next = chunk.next;
}

function link(chunk: Chunk): void {
  const first = list().next;
  chunk.next = first;
  chunk.prev = list();
  first.prev = chunk;
  list().next = chunk;
}

function setUp(): void {
  const root = rootOf();
  root.next = list();
  root.prev = list();
  root.end = (largeRoot + LARGE_ROOT_SIZE + HEADER + 15) & ~15;
  const first = changetype<Chunk>(root.end - HEADER);
  first.before = 0;
  first.info = 1;
  root.last = first;
}

/** Makes the memory from the tail up to `end` a free chunk, with a tail in use behind it. */
function extend(end: usize): bool {
  const root = rootOf();
  if (end < root.end) return false;
  const pages = <i32>((<u64>end + HEADER + 0xffff) >> 16) - memory.size();
  if (pages > 0 && memory.grow(max(pages, memory.size() >> 4)) < 0 && memory.grow(pages) < 0)
    return false;
  if (pages > 0) end = max(end, ((<usize>memory.size()) << 16) - 8);
  const chunk = root.last;
  const bytes = (end - changetype<usize>(chunk)) & ~15;
  if (bytes < LEAST) return true;
  chunk.info = bytes | 1;
  const tail = behind(chunk);
  tail.before = bytes;
  tail.info = 1;
  root.last = tail;
  root.end = changetype<usize>(tail) + HEADER;
  free(changetype<usize>(chunk) + HEADER);
  return true;
}

function find(bytes: usize): Chunk {
  let best = list();
  for (let chunk = list().next; chunk !== list(); chunk = chunk.next) {
    if (sizeOf(chunk) < bytes) continue;
    if (best === list() || sizeOf(chunk) < sizeOf(best)) best = chunk;
    if (sizeOf(chunk) === bytes) break;
  }
  return best;
}

function need(bytes: usize): usize {
  return max<usize>((bytes + HEADER + 15) & ~15, LEAST);
}

/** Cuts a used chunk down. */
function trim(chunk: Chunk, bytes: usize): void {
  const size = sizeOf(chunk);
  if (size - bytes < LEAST) return;
  chunk.info = bytes | 1;
  const rest = behind(chunk);
  rest.before = bytes;
  rest.info = (size - bytes) | 1;
  behind(rest).before = size - bytes;
  free(changetype<usize>(rest) + HEADER);
}

export function malloc(bytes: usize): usize {
  if (bytes > 0x7fffff00) return 0;
  if (rootOf().end === 0) setUp();
  const size = need(bytes);
  let chunk = find(size);
  if (chunk === list()) {
    if (!extend(rootOf().end - HEADER + size)) return 0;
    chunk = find(size);
    if (chunk === list()) return 0;
  }
  unlink(chunk);
  chunk.info |= 1;
  trim(chunk, size);
  return changetype<usize>(chunk) + HEADER;
}

export function free(p: usize): void {
  if (p === 0) return;
  let chunk = changetype<Chunk>(p - HEADER);
  chunk.info &= ~1;
  const next = behind(chunk);
  if (!isUsed(next)) {
    unlink(next);
    chunk.info += sizeOf(next);
  }
  if (chunk.before !== 0) {
    const prev = changetype<Chunk>(changetype<usize>(chunk) - chunk.before);
    if (!isUsed(prev)) {
      unlink(prev);
      prev.info += sizeOf(chunk);
      chunk = prev;
    }
  }
  behind(chunk).before = sizeOf(chunk);
  link(chunk);
}

export function calloc(count: usize, size: usize): usize {
  const bytes = <u64>count * <u64>size;
  if (bytes > 0x7fffff00) return 0;
  const p = malloc(<usize>bytes);
  if (p !== 0) memory.fill(p, 0, <usize>bytes);
  return p;
}

export function usableSize(p: usize): usize {
  return sizeOf(changetype<Chunk>(p - HEADER)) - HEADER;
}

export function realloc(p: usize, bytes: usize): usize {
  if (p === 0) return malloc(bytes);
  if (bytes > 0x7fffff00) return 0;
  const size = need(bytes);
  const chunk = changetype<Chunk>(p - HEADER);
  const next = behind(chunk);
  if (sizeOf(chunk) < size && !isUsed(next) && sizeOf(chunk) + sizeOf(next) >= size) {
    unlink(next);
    chunk.info += sizeOf(next);
    behind(chunk).before = sizeOf(chunk);
  }
  if (sizeOf(chunk) >= size) {
    trim(chunk, size);
    return p;
  }
  const moved = malloc(bytes);
  if (moved === 0) return 0;
  memory.copy(moved, p, usableSize(p));
  free(p);
  return moved;
}

export function memalign(alignment: usize, bytes: usize): usize {
  const p = malloc(bytes + alignment + LEAST);
  if (p === 0) return 0;
  const at = (p + alignment - 1) & ~(alignment - 1);
  const q = at !== p && at - p < LEAST ? at + alignment : at;
  if (q !== p) {
    const front = changetype<Chunk>(p - HEADER);
    const all = sizeOf(front);
    const chunk = changetype<Chunk>(q - HEADER);
    front.info = (q - p) | 1;
    chunk.before = q - p;
    chunk.info = (all - (q - p)) | 1;
    behind(chunk).before = sizeOf(chunk);
    free(p);
  }
  trim(changetype<Chunk>(q - HEADER), need(bytes));
  return q;
}

export function end(): usize {
  return rootOf().end;
}

export function leave(from: usize, to: usize): bool {
  if (rootOf().end === 0) setUp();
  const root = rootOf();
  if (from > root.end + LEAST && !extend(from - HEADER)) return false;
  const tail = root.last;
  const at = ((to + 15) & ~15) + HEADER;
  tail.info = (at - changetype<usize>(tail)) | 1;
  const next = behind(tail);
  next.before = sizeOf(tail);
  next.info = 1;
  root.last = next;
  root.end = changetype<usize>(next) + HEADER;
  return true;
}

export function arenaAlloc(): usize {
  const p = memalign(SLICE_SIZE, ARENA_REQUEST);
  if (p !== 0) changetype<Spare>(p).units = <u32>ARENA_UNITS;
  return p;
}

export function arenaFree(p: usize, _bytes: usize): void {
  free(p);
}
