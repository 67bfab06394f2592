/**
 * Validation: walks everything and names the first invariant that does not hold, by its number in
 * `docs/invariants.md`. It writes nothing but its counts and the address it stopped at, and follows no link before it
 * knows that the link leads into a pool.
 */

import {
  addressInRange,
  arenaAt,
  bitOf,
  books,
  bucketOf,
  firstPoolOf,
  poolCountOf,
} from "./arenas";
import { root } from "./host";
import {
  ARENA_REQUEST,
  ARENA_SLOT_SIZE,
  Arena,
  LEAF_BYTES,
  MAP,
  MAP_ENTRIES,
  POOL_HEADER,
  POOL_MASK,
  POOL_SIZE,
  POOLS_PER_ARENA,
  Pool,
  REPORT_POOLS,
  SIZE_CLASSES,
  SMALL_REQUEST_THRESHOLD,
  STATE_FREE_MASK,
} from "./layout";
import { asPool, headOf, usedIn } from "./pools";
import { capacityOf, classOf, roundUp, sizeOf } from "./sizes";

/** Notes where an invariant was found broken, and passes its number on. */
function broken(invariant: u32, at: usize): u32 {
  books().brokenAt = at;
  return invariant;
}

/** 0 when all is well, else the number of the first broken invariant. */
export function validate(): u32 {
  memory.fill(unfullCell(0), 0, SIZE_CLASSES * sizeof<u32>());
  const ofArenas = checkArenas();
  if (ofArenas !== 0) return ofArenas;
  for (let sizeClass: usize = 0; sizeClass < SIZE_CLASSES; sizeClass++) {
    const ofClass = checkClass(sizeClass);
    if (ofClass !== 0) return ofClass;
  }
  return checkBooks();
}

/** Where the pools of a class that are neither free nor full are counted: the report serves as scratch. */
function unfullCell(sizeClass: usize): usize {
  return root + REPORT_POOLS + sizeClass * sizeof<u32>();
}

/** Do `bytes` bytes from `p` on lie in the memory? */
function isMemory(p: usize, bytes: u64): bool {
  return <u64>p + bytes <= (<u64>memory.size()) << 16;
}

/** Is this a pool of that class, and not just any number? */
function isPoolOf(pool: Pool, sizeClass: usize): bool {
  const p = changetype<usize>(pool);
  if ((p & POOL_MASK) !== 0 || !addressInRange(p) || !isMemory(p, POOL_SIZE)) return false;
  return <usize>pool.size === sizeOf(sizeClass);
}

// ------------------------------------------------------------------------------------ arenas

function checkArenas(): u32 {
  const book = books();
  const tableBytes = <u64>book.arenaSlots * <u64>ARENA_SLOT_SIZE;
  if (!isMemory(book.arenas, tableBytes)) return broken(1, book.arenas);
  for (let entry: usize = 0; entry < MAP_ENTRIES; entry++) {
    const leaf = load<usize>(root + entry * sizeof<usize>(), MAP);
    if (!isMemory(leaf, LEAF_BYTES)) return broken(3, leaf);
  }
  let current: u32 = 0;
  let whollyFree: u32 = 0;
  for (let slot: u32 = 0; slot < book.arenaSlots; slot++) {
    const arena = arenaAt(slot);
    if (arena.base === 0) continue;
    current++;
    const ofArena = checkArena(slot, arena);
    if (ofArena !== 0) return ofArena;
    if (arena.freeCount === arena.poolCount && ++whollyFree > 1) {
      return broken(7, changetype<usize>(arena));
    }
  }
  if (current !== book.arenasCurrent) return broken(1, book.arenas);
  let unused: u32 = 0;
  for (let next = book.unusedSlot; next !== 0; next = arenaAt(next - 1).next) {
    if (next > book.arenaSlots || arenaAt(next - 1).base !== 0) return broken(1, next);
    if (++unused > book.arenaSlots) return broken(1, next);
  }
  if (current + unused !== book.arenaSlots) return broken(1, book.arenas);
  return checkBuckets();
}

function checkArena(slot: u32, arena: Arena): u32 {
  const at = changetype<usize>(arena);
  const first = firstPoolOf(arena.base);
  const pools = poolCountOf(arena.base);
  if (arena.poolCount !== pools || pools === 0) return broken(2, at);
  const end = first + pools * <u32>POOL_SIZE;
  if (!isMemory(arena.base, ARENA_REQUEST)) return broken(2, at);
  const fresh = arena.fresh;
  if (fresh < first || fresh > end || (fresh & POOL_MASK) !== 0) return broken(2, at);
  for (let p = first; p < end; p += POOL_SIZE) {
    if (!addressInRange(p)) return broken(3, p);
  }
  let free: u32 = 0;
  for (let p = arena.freePools; p !== 0; p = changetype<usize>(changetype<Pool>(p).next)) {
    if (p < first || p >= fresh || (p & POOL_MASK) !== 0) return broken(4, p);
    if (changetype<Pool>(p).size !== 0 || ++free > pools) return broken(4, p);
  }
  let unsized: u32 = 0;
  for (let p = first; p < fresh; p += POOL_SIZE) {
    const pool = changetype<Pool>(p);
    if (pool.arena !== slot) return broken(5, p);
    if (pool.size === 0) unsized++;
    else {
      const ofPool = checkPool(pool);
      if (ofPool !== 0) return ofPool;
      const cell = unfullCell(classOf(pool.size));
      if (<i32>pool.state >= 0) store<u32>(cell, load<u32>(cell) + 1);
    }
  }
  if (unsized !== free) return broken(4, at);
  if (arena.freeCount !== free + <u32>((end - fresh) / POOL_SIZE)) return broken(6, at);
  return 0;
}

function checkBuckets(): u32 {
  const book = books();
  let listed: u32 = 0;
  for (let count: u32 = 1; count <= <u32>POOLS_PER_ARENA; count++) {
    let before: u32 = 0;
    const first = load<u32>(bucketOf(count));
    if ((first !== 0) !== ((book.usable & bitOf(count)) !== 0)) return broken(8, bucketOf(count));
    for (let at = first; at !== 0; at = arenaAt(at - 1).next) {
      if (at > book.arenaSlots || ++listed > book.arenasCurrent) return broken(8, bucketOf(count));
      const arena = arenaAt(at - 1);
      if (arena.base === 0 || arena.freeCount !== count || arena.prev !== before) {
        return broken(8, changetype<usize>(arena));
      }
      before = at;
    }
  }
  for (let slot: u32 = 0; slot < book.arenaSlots; slot++) {
    const arena = arenaAt(slot);
    if (arena.base !== 0 && arena.freeCount !== 0) listed--;
  }
  return listed === 0 ? 0 : broken(8, root);
}

// ------------------------------------------------------------------------------------- pools

function checkPool(pool: Pool): u32 {
  const at = changetype<usize>(pool);
  const size = <usize>pool.size;
  const capacity = <u32>capacityOf(size);
  if (size > SMALL_REQUEST_THRESHOLD || size !== roundUp(size)) return broken(9, at);
  const carved = <u32>((<usize>pool.carved - POOL_HEADER) / size);
  if (<usize>pool.carved !== POOL_HEADER + carved * <u32>size) return broken(9, at);
  if (carved > capacity || usedIn(pool) > carved) return broken(10, at);
  if (<i32>pool.state < 0) {
    // One block may be free while the pool waits for the next malloc.
    const waits = headOf(classOf(size)).current === pool;
    const used = usedIn(pool);
    if (pool.pinned !== 0 || (used !== capacity && !(waits && used + 1 === capacity))) {
      return broken(11, at);
    }
  }
  // A list that ends has no node twice; with the right length it holds every free block once.
  let left = carved - usedIn(pool);
  for (let offset = pool.state & STATE_FREE_MASK; offset !== 0; left--) {
    if (offset < <u32>POOL_HEADER || offset >= <u32>pool.carved) return broken(12, at);
    if ((offset - <u32>POOL_HEADER) % <u32>size !== 0 || left === 0) return broken(12, at + offset);
    offset = load<u16>(at + offset);
  }
  return left === 0 ? 0 : broken(12, at);
}

function checkClass(sizeClass: usize): u32 {
  const head = headOf(sizeClass);
  if (head.state !== 0) return broken(13, changetype<usize>(head));
  if (head.current !== asPool(head) && !isPoolOf(head.current, sizeClass)) {
    return broken(13, changetype<usize>(head));
  }
  let before = asPool(head);
  let pinned: u32 = 0;
  let listed: u32 = 0;
  for (let pool = head.next; pool !== asPool(head); pool = pool.next) {
    const at = changetype<usize>(pool);
    if (!isPoolOf(pool, sizeClass) || pool.prev !== before) return broken(13, at);
    if (<i32>pool.state < 0) return broken(11, at);
    if (usedIn(pool) === 0 && pool.pinned === 0) return broken(14, at);
    if (pool.pinned !== 0) pinned++;
    listed++;
    before = pool;
  }
  if (head.prev !== before) return broken(13, changetype<usize>(head));
  if (pinned !== 0 && listed !== 1) return broken(14, changetype<usize>(head));
  // No pool is listed twice, so counting tells whether one is lost.
  const expected = load<u32>(unfullCell(sizeClass));
  return expected === listed ? 0 : broken(15, changetype<usize>(head));
}

// ------------------------------------------------------------------------------------- books

function checkBooks(): u32 {
  const book = books();
  const at = changetype<usize>(book);
  if (book.arenasCurrent !== book.arenasAllocated - book.arenasReclaimed) return broken(16, at);
  if (book.arenasHighwater < book.arenasCurrent) return broken(16, at);
  if (book.arenasHighwater > book.arenasAllocated) return broken(16, at);
  return 0;
}
