/** Byte strings of different lengths in numbered slots, four times: what differs is where the bytes lie. */
import { createHeap } from "../../src/index.js";

export interface Strings {
  /** Puts a copy of these bytes into a slot, in the place of what is there. */
  replace(slot: number, bytes: Uint8Array): void;
  /** Reads what is in a slot: its length and its last byte. */
  read(slot: number): number;
}

/** The shortest and the longest string, in bytes. */
export const SHORTEST = 8;
export const LONGEST = 400;

function separate(slots: number, copy: (bytes: Uint8Array) => Uint8Array): Strings {
  const strings = new Array<Uint8Array>(slots).fill(new Uint8Array(1));
  return {
    replace(slot, bytes) {
      strings[slot] = copy(bytes);
    },
    read(slot) {
      const bytes = strings[slot] as Uint8Array;
      return bytes.length + (bytes[bytes.length - 1] as number);
    },
  };
}

/** A typed array of its own for each. */
const arrayStrings = (slots: number) => separate(slots, (bytes) => bytes.slice());

/** A Buffer for each: Node cuts short ones from pieces of 8 KiB, each of which stays while one Buffer in it does. */
const bufferStrings = (slots: number) => separate(slots, (bytes) => Buffer.from(bytes));

/** Places in one typed array, each with room for the longest. */
function columnStrings(slots: number): Strings {
  const all = new Uint8Array(slots * LONGEST);
  const lengths = new Uint16Array(slots).fill(1);
  return {
    replace(slot, bytes) {
      all.set(bytes, slot * LONGEST);
      lengths[slot] = bytes.length;
    },
    read(slot) {
      const length = lengths[slot] as number;
      return length + (all[slot * LONGEST + length - 1] as number);
    },
  };
}

/** A block of a heap for each. */
function heapStrings(slots: number): Strings {
  const heap = createHeap();
  const { malloc, free } = heap.object;
  const lengths = new Uint16Array(slots).fill(1);
  const addresses = Uint32Array.from({ length: slots }, () => malloc(1));
  let u8 = heap.u8;
  return {
    replace(slot, bytes) {
      free(addresses[slot] as number);
      const p = malloc(bytes.length);
      if (u8.length === 0) u8 = heap.u8;
      u8.set(bytes, p);
      addresses[slot] = p;
      lengths[slot] = bytes.length;
    },
    read(slot) {
      const length = lengths[slot] as number;
      return length + (u8[(addresses[slot] as number) + length - 1] as number);
    },
  };
}

export const stringStores = {
  objects: arrayStrings,
  buffers: bufferStrings,
  columns: columnStrings,
  heap: heapStrings,
} as const;
