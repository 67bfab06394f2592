/**
 * Validation: walks everything and names the first invariant that does not hold, by its number in
 * `docs/invariants.md`. It writes nothing but its counts and the address it stopped at, and follows no link before it
 * knows that the link leads into a pool.
 */

import {
  ARENA_SLICES,
  ARENA_SLOT_SIZE,
  Arena,
  LENT,
  POOL_HEADER,
  Pool,
  RECENT,
  REPORT_BLOCKS,
  REPORT_POOLS,
  SIZE_CLASSES,
  SLICE_MASK,
  Spare,
  STATE_FREE_MASK,
  UNIT_SIZE,
} from "../layout";
import { ARENA_RESERVE, ARENA_UNITS, SMALL_REQUEST_THRESHOLD } from "../policy/policy";
import {
  arenaAt,
  bitOf,
  books,
  bucketOf,
  endOf,
  freeCountOf,
  sliceAt,
  sliceCountOf,
  slicesOf,
} from "./arenas";
import { root } from "./heap-host";
import { sliceInPool, sliceMap } from "./map";
import { asPool, currentOf, firstBlockOf, listOf, recentPool, slicesCell, usedIn } from "./pools";
import { capacityOf, classOf, roundUp, sizeOf, unseenOf } from "./sizes";
import { add } from "./stats";

/** Notes where an invariant was found broken, and passes its number on. */
function broken(invariant: u32, at: usize): u32 {
  books().brokenAt = at;
  return invariant;
}

/** 0 when all is well, else the number of the first broken invariant. */
export function validate(): u32 {
  memory.fill(unfullCell(0), 0, 2 * SIZE_CLASSES * sizeof<u32>());
  const ofArenas = checkArenas();
  if (ofArenas !== 0) return ofArenas;
  const ofRecent = checkRecent();
  if (ofRecent !== 0) return ofRecent;
  for (let sizeClass: usize = 0; sizeClass < SIZE_CLASSES; sizeClass++) {
    const ofClass = checkClass(sizeClass);
    if (ofClass !== 0) return ofClass;
  }
  return checkBooks();
}

/** Where the pools of a class that are not full are counted, and its slices: the report serves as scratch. */
function unfullCell(sizeClass: usize): usize {
  return root + REPORT_POOLS + sizeClass * sizeof<u32>();
}

function countedSlicesCell(sizeClass: usize): usize {
  return root + REPORT_BLOCKS + sizeClass * sizeof<u32>();
}

/** Do `bytes` bytes from `p` on lie in the memory? */
function isMemory(p: usize, bytes: u64): bool {
  return <u64>p + bytes <= (<u64>memory.size()) << 16;
}

/** Is there room for an arena of so many units from `base` on, and is that a number that an arena may have? */
function isArenaOf(base: usize, units: u32): bool {
  if (units === 0 || units > <u32>ARENA_UNITS) return false;
  return isMemory(base, units * <u32>UNIT_SIZE - <u32>ARENA_RESERVE);
}

/** Is this a pool, and not just any number? */
function isPool(pool: Pool): bool {
  const p = changetype<usize>(pool);
  return (p & SLICE_MASK) === 0 && isMemory(p, POOL_HEADER) && sliceInPool(p) === 0;
}

function isPoolOf(pool: Pool, sizeClass: usize): bool {
  return isPool(pool) && <usize>pool.size === sizeOf(sizeClass);
}

// -------------------------------------------------------------------------------------- arenas

function checkArenas(): u32 {
  const book = books();
  const tableBytes = <u64>book.arenaSlots * <u64>ARENA_SLOT_SIZE;
  if (!isMemory(book.arenas, tableBytes)) return broken(1, book.arenas);
  const map = sliceMap();
  if (!isMemory(map.origin, map.count)) return broken(3, map.origin);
  let arenas: u32 = 0;
  let units: u32 = 0;
  let whollyFree: u32 = 0;
  for (let slot: u32 = 0; slot < book.arenaSlots; slot++) {
    const arena = arenaAt(slot);
    if (arena.base === 0) continue;
    arenas++;
    units += arena.units;
    const ofArena = checkArena(slot, arena);
    if (ofArena !== 0) return ofArena;
    if (freeCountOf(arena) === sliceCountOf(arena) && ++whollyFree > 1) {
      return broken(7, changetype<usize>(arena));
    }
  }
  let unused: u32 = 0;
  for (let next = book.unusedSlot; next !== 0; next = arenaAt(next - 1).next) {
    if (next > book.arenaSlots || arenaAt(next - 1).base !== 0) return broken(1, next);
    if (++unused > book.arenaSlots) return broken(1, next);
  }
  if (arenas + unused !== book.arenaSlots) return broken(1, book.arenas);
  for (let at = book.spare; at !== 0; at = changetype<Spare>(at).next) {
    if (!isMemory(at, offsetof<Spare>())) return broken(18, at);
    const spare = changetype<Spare>(at);
    if (!isArenaOf(at, spare.units)) return broken(18, at);
    units += spare.units;
    // A list that leads back into itself has no end.
    if (units > book.unitsCurrent) break;
  }
  if (units !== book.unitsCurrent) return broken(6, book.arenas);
  return checkBuckets(arenas);
}

function checkArena(slot: u32, arena: Arena): u32 {
  const at = changetype<usize>(arena);
  if (!isArenaOf(arena.base, arena.units)) return broken(2, at);
  const slices = sliceCountOf(arena);
  if (arena.free >>> slices !== 0) return broken(2, at);
  for (let slice: u32 = 0; slice < slices; ) {
    if (((arena.free >>> slice) & 1) !== 0) {
      slice++;
      continue;
    }
    const p = sliceAt(arena, slice);
    const pool = changetype<Pool>(p);
    const length = slicesOf(pool);
    if (length === 0 || length > slices - slice) return broken(4, p);
    if (<u32>(pool.end & ~LENT) !== endOf(arena, slice, length)) return broken(4, p);
    if (((arena.free >>> slice) & ((1 << length) - 1)) !== 0) return broken(4, p);
    for (let own: u32 = 0; own < length; own++) {
      const q = sliceAt(arena, slice + own);
      if (sliceInPool(q) !== own) return broken(3, q);
    }
    if (pool.arena !== slot) return broken(5, p);
    const ofPool = checkPool(pool);
    if (ofPool !== 0) return ofPool;
    add(countedSlicesCell(classOf(pool.size)), length);
    if (pool.bias >= 0) add(unfullCell(classOf(pool.size)), 1);
    slice += length;
  }
  return 0;
}

function checkBuckets(arenas: u32): u32 {
  const book = books();
  let listed: u32 = 0;
  for (let count: u32 = 1; count <= ARENA_SLICES; count++) {
    let before: u32 = 0;
    const first = load<u32>(bucketOf(count));
    if ((first !== 0) !== ((book.usable & bitOf(count)) !== 0)) return broken(8, bucketOf(count));
    for (let at = first; at !== 0; at = arenaAt(at - 1).next) {
      if (at > book.arenaSlots || ++listed > arenas) return broken(8, bucketOf(count));
      const arena = arenaAt(at - 1);
      if (arena.base === 0 || freeCountOf(arena) !== count || arena.prev !== before) {
        return broken(8, changetype<usize>(arena));
      }
      before = at;
    }
  }
  for (let slot: u32 = 0; slot < book.arenaSlots; slot++) {
    const arena = arenaAt(slot);
    if (arena.base !== 0 && arena.free !== 0) listed--;
  }
  return listed === 0 ? 0 : broken(8, root);
}

// ------------------------------------------------------------------------------------- pools

function checkPool(pool: Pool): u32 {
  const at = changetype<usize>(pool);
  const size = <usize>pool.size;
  if (size === 0 || size > SMALL_REQUEST_THRESHOLD || size !== roundUp(size)) return broken(9, at);
  const first = <u32>firstBlockOf(size);
  const capacity = <u32>capacityOf(size, first, pool.end);
  const carved = (<u32>pool.carved - first) / <u32>size;
  if (<u32>pool.carved !== first + carved * <u32>size) return broken(9, at);
  const used = usedIn(pool);
  if (carved > capacity || used > carved) return broken(10, at);
  if (pool.bias < 0) {
    const unseen = <i32>pool.bias + <i32>capacity;
    if (unseen < 1 || unseen > unseenOf(capacity)) return broken(11, at);
    if (carved !== capacity || <i32>(capacity - used) >= unseen) return broken(11, at);
  }
  // A list that ends has no node twice; with the right length it holds every free block once.
  let left = carved - used;
  for (let offset = pool.state & STATE_FREE_MASK; offset !== 0; left--) {
    if (offset < first || offset >= <u32>pool.carved) return broken(12, at);
    if ((offset - first) % <u32>size !== 0 || left === 0) return broken(12, at + offset);
    offset = load<u16>(at + offset);
  }
  return left === 0 ? 0 : broken(12, at);
}

/** Is the pool that a block was freed into last still one? */
function checkRecent(): u32 {
  const recent = recentPool();
  return recent === asPool(listOf(0)) || isPool(recent) ? 0 : broken(13, root + RECENT);
}

function checkClass(sizeClass: usize): u32 {
  const list = listOf(sizeClass);
  const at = changetype<usize>(list);
  if (list.state !== 0) return broken(13, at);
  let before = asPool(list);
  let pinned: u32 = 0;
  let listed: u32 = 0;
  const current = currentOf(sizeClass);
  const hasCurrent =
    current === asPool(list) || isPoolOf(current, sizeClass) || isPoolOf(current, sizeClass + 1);
  for (let pool = list.next; pool !== asPool(list); pool = pool.next) {
    const p = changetype<usize>(pool);
    if (!isPoolOf(pool, sizeClass) || pool.prev !== before) return broken(13, p);
    if (pool.bias < 0) return broken(11, p);
    if (pool.bias > 1 || (usedIn(pool) === 0 && pool.bias === 0)) return broken(14, p);
    if (pool.bias !== 0) pinned++;
    listed++;
    before = pool;
  }
  if (list.prev !== before || !hasCurrent) return broken(13, at);
  if (pinned !== 0 && listed !== 1) return broken(14, at);
  // No pool is listed twice, so counting tells whether one is lost.
  if (load<u32>(unfullCell(sizeClass)) !== listed) return broken(15, at);
  const slices = load<u32>(slicesCell(sizeClass));
  return slices === load<u32>(countedSlicesCell(sizeClass)) ? 0 : broken(17, at);
}

// ------------------------------------------------------------------------------------- books

function checkBooks(): u32 {
  const book = books();
  const at = changetype<usize>(book);
  if (book.unitsCurrent !== book.unitsAllocated - book.unitsReclaimed) return broken(16, at);
  if (book.unitsHighwater < book.unitsCurrent) return broken(16, at);
  if (book.unitsHighwater > book.unitsAllocated) return broken(16, at);
  return 0;
}
