/**
 * One cache of the least recently used, four times: a number for each number, a doubly linked list in the order of use, and an
 * index by the key. What differs is where the records lie.
 */
import { type Address, createHeap, type Heap } from "../../src/index.js";

export interface Cache {
  /** The value of a key, which is then the one used last; undefined when there is none. */
  get(key: number): number | undefined;
  /** Adds a key that is not there. A full cache loses the one that was not used for the longest time. */
  add(key: number, value: number): void;
  /** A copy of everything for another thread, made as `postMessage` makes it. */
  copy(): unknown;
}

interface Entry {
  key: number;
  value: number;
  uses: number;
  prev: Entry;
  next: Entry;
}

/** A JavaScript object for each record, found by a Map. */
export function objectCache(capacity: number): Cache {
  const index = new Map<number, Entry>();
  const end = { key: -1, value: 0, uses: 0 } as Entry;
  end.prev = end;
  end.next = end;
  const unlink = ({ prev, next }: Entry) => {
    prev.next = next;
    next.prev = prev;
  };
  const linkFirst = (entry: Entry) => {
    entry.prev = end;
    entry.next = end.next;
    end.next.prev = entry;
    end.next = entry;
  };
  return {
    get(key) {
      const entry = index.get(key);
      if (entry === undefined) return undefined;
      entry.uses++;
      unlink(entry);
      linkFirst(entry);
      return entry.value;
    },
    add(key, value) {
      if (index.size === capacity) {
        const last = end.prev;
        unlink(last);
        index.delete(last.key);
      }
      const entry = { key, value, uses: 0, prev: end, next: end };
      index.set(key, entry);
      linkFirst(entry);
    },
    // A linked list is too deep for structuredClone: what another thread would get is the contents.
    copy: () =>
      structuredClone(Array.from(index.values(), ({ key, value, uses }) => ({ key, value, uses }))),
  };
}

/** The bucket of a key. There are as many as the next power of two says, `mask` + 1. */
const bucketOf = (key: number, mask: number) => (Math.imul(key, 0x9e3779b1) >>> 7) & mask;

const bucketsFor = (capacity: number) => 2 ** Math.ceil(Math.log2(capacity));

/** A column for each field, as long as the cache will ever be; the index's chains are columns, too. */
export function columnCache(capacity: number): Cache {
  const [keys, values, uses, prev, next, chain] = Array.from(
    { length: 6 },
    () => new Uint32Array(capacity + 1),
  ) as [Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array];
  const mask = bucketsFor(capacity) - 1;
  const buckets = new Uint32Array(mask + 1);
  // Number 0 is the list's end, and says "none" in a chain.
  let used = 0;
  const unlink = (at: number) => {
    next[prev[at] as number] = next[at] as number;
    prev[next[at] as number] = prev[at] as number;
  };
  const linkFirst = (at: number) => {
    const first = next[0] as number;
    prev[at] = 0;
    next[at] = first;
    prev[first] = at;
    next[0] = at;
  };
  const removeFromIndex = (at: number) => {
    const bucket = bucketOf(keys[at] as number, mask);
    if (buckets[bucket] === at) {
      buckets[bucket] = chain[at] as number;
      return;
    }
    let before = buckets[bucket] as number;
    while (chain[before] !== at) before = chain[before] as number;
    chain[before] = chain[at] as number;
  };
  return {
    get(key) {
      let at = buckets[bucketOf(key, mask)] as number;
      while (at !== 0 && keys[at] !== key) at = chain[at] as number;
      if (at === 0) return undefined;
      uses[at] = (uses[at] as number) + 1;
      unlink(at);
      linkFirst(at);
      return values[at];
    },
    add(key, value) {
      let at = used + 1;
      if (used < capacity) used++;
      else {
        at = prev[0] as number;
        unlink(at);
        removeFromIndex(at);
      }
      const bucket = bucketOf(key, mask);
      keys[at] = key;
      values[at] = value;
      uses[at] = 0;
      chain[at] = buckets[bucket] as number;
      buckets[bucket] = at;
      linkFirst(at);
    },
    copy: () => structuredClone([keys, values, uses, prev, next, chain, buckets]),
  };
}

/** The copy of a heap is a snapshot, whose bytes go over without being copied once more. */
function copyOf(heap: Heap): unknown {
  const snapshot = heap.snapshot();
  return structuredClone(snapshot, { transfer: [snapshot.image.buffer as ArrayBuffer] });
}

/** Places of the fields in a record of the heap, in words. */
const KEY = 0;
const VALUE = 1;
const USES = 2;
const PREV = 3;
const NEXT = 4;
const CHAIN = 5;
const RECORD_BYTES = 24;

/** A block of a heap for each record, read and written by the heap's view of words. */
export function heapCache(capacity: number): Cache {
  const heap = createHeap();
  const { malloc, free } = heap.object;
  const mask = bucketsFor(capacity) - 1;
  const buckets = heap.raw.calloc(mask + 1, 4) >>> 2;
  const end = malloc(RECORD_BYTES) >>> 2;
  // Longer memory has a new view; it gets longer in malloc only.
  let words = heap.u32;
  words[end + PREV] = end;
  words[end + NEXT] = end;
  let used = 0;
  const unlink = (at: number) => {
    const [prev, next] = [words[at + PREV] as number, words[at + NEXT] as number];
    words[prev + NEXT] = next;
    words[next + PREV] = prev;
  };
  const linkFirst = (at: number) => {
    const first = words[end + NEXT] as number;
    words[at + PREV] = end;
    words[at + NEXT] = first;
    words[first + PREV] = at;
    words[end + NEXT] = at;
  };
  const removeFromIndex = (at: number) => {
    let link = buckets + bucketOf(words[at + KEY] as number, mask);
    while (words[link] !== at) link = (words[link] as number) + CHAIN;
    words[link] = words[at + CHAIN] as number;
  };
  return {
    get(key) {
      let at = words[buckets + bucketOf(key, mask)] as number;
      while (at !== 0 && words[at + KEY] !== key) at = words[at + CHAIN] as number;
      if (at === 0) return undefined;
      words[at + USES] = (words[at + USES] as number) + 1;
      unlink(at);
      linkFirst(at);
      return words[at + VALUE];
    },
    add(key, value) {
      if (used < capacity) used++;
      else {
        const last = words[end + PREV] as number;
        unlink(last);
        removeFromIndex(last);
        free(last << 2);
      }
      const at = malloc(RECORD_BYTES) >>> 2;
      if (words.length === 0) words = heap.u32;
      const bucket = buckets + bucketOf(key, mask);
      words[at + KEY] = key;
      words[at + VALUE] = value;
      words[at + USES] = 0;
      words[at + CHAIN] = words[bucket] as number;
      words[bucket] = at;
      linkFirst(at);
    },
    copy: () => copyOf(heap),
  };
}

/** The same by names: a type of the heap's, and its cursor. */
export function cursorCache(capacity: number): Cache {
  const heap: Heap = createHeap();
  const Record = heap.defineType({
    name: "Record",
    fields: { key: "u32", value: "u32", uses: "u32", prev: "ptr", next: "ptr", chain: "ptr" },
  });
  const mask = bucketsFor(capacity) - 1;
  const buckets = heap.raw.calloc(mask + 1, 4) >>> 2;
  const end = heap.newObject(Record);
  Record.at(end).prev = end;
  Record.at(end).next = end;
  let used = 0;
  const unlink = (p: Address) => {
    const { prev, next } = Record.at(p);
    Record.at(prev).next = next;
    Record.at(next).prev = prev;
  };
  const linkFirst = (p: Address) => {
    const first = Record.at(end).next;
    const record = Record.at(p);
    record.prev = end;
    record.next = first;
    Record.at(first).prev = p;
    Record.at(end).next = p;
  };
  const removeFromIndex = (p: Address) => {
    const { key, chain } = Record.at(p);
    const bucket = buckets + bucketOf(key, mask);
    let before = heap.u32[bucket] as number;
    if (before === p) {
      heap.u32[bucket] = chain;
      return;
    }
    for (let next = Record.at(before).chain; next !== p; next = Record.at(before).chain) {
      before = next;
    }
    Record.at(before).chain = chain;
  };
  return {
    get(key) {
      let p = heap.u32[buckets + bucketOf(key, mask)] as number;
      while (p !== 0 && Record.at(p).key !== key) p = Record.at(p).chain;
      if (p === 0) return undefined;
      Record.at(p).uses++;
      unlink(p);
      linkFirst(p);
      return Record.at(p).value;
    },
    add(key, value) {
      if (used < capacity) used++;
      else {
        const last = Record.at(end).prev;
        unlink(last);
        removeFromIndex(last);
        heap.decref(last);
      }
      const p = heap.newObject(Record);
      const bucket = buckets + bucketOf(key, mask);
      const record = Record.at(p);
      record.key = key;
      record.value = value;
      record.uses = 0;
      record.chain = heap.u32[bucket] as number;
      heap.u32[bucket] = p;
      linkFirst(p);
    },
    copy: () => copyOf(heap),
  };
}

export const caches = {
  objects: objectCache,
  columns: columnCache,
  heap: heapCache,
  cursor: cursorCache,
} as const;
