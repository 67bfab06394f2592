/** Where in a guest's memory its heap begins, and what can't have one. */
import { type Address, PAGE } from "../base/base.js";
import { GRANULE_BITS } from "../hosts/hosts.js";
import type { GuestBinary } from "../src/guests/guests.js";
import { LinkError } from "./errors.js";

/** The first bytes are nobody's: what is read or written through NULL shows nothing of the heap. */
const FIRST = 1024;

/** The malloc counts in these: see core/large/map.ts. */
export const GRANULE = 1 << GRANULE_BITS.large;

/** ... and leaves so many bytes to others at least. */
const LEAST_LEFT = 96 * GRANULE;

/** A stack's pointer is at a multiple of so many bytes. */
const STACK_ALIGNMENT = 16;

/** The heap of a linked guest. */
export interface GuestPlace {
  /** Where its state begins, and behind that what it serves. */
  readonly root: Address;
  /** The guest's data and stack, where they lie behind `root`: from, to. Both 0 where they lie before it. */
  readonly guest: readonly [from: Address, to: Address];
  /** How long the memory has to be at its start. */
  readonly pages: number;
  /** How else it could do with less, for an error; "" where it could not. */
  readonly otherwise: string;
}

function roundUp(address: number): Address {
  return Math.ceil(address / GRANULE) * GRANULE;
}

/** @throws LinkError for a guest that has no place for a heap, or a heap already */
export function checkGuest({ memory, memories, movable, functionNames }: GuestBinary): void {
  if (memory === undefined) throw new LinkError("it has no memory, expected one");
  if (memory.addressBits !== 32) {
    throw new LinkError(
      `its pointers have ${memory.addressBits} bits, expected 32: build it for wasm32`,
    );
  }
  if (memory.shared) {
    throw new LinkError("its memory is shared between threads, expected one that is not");
  }
  if (memories > 1) throw new LinkError(`it has ${memories} memories, expected one`);
  if (movable) {
    throw new LinkError(
      "it has data at an address that an import says, expected it at fixed addresses: " +
        "build it as a program, without -shared, -pie and --experimental-pic",
    );
  }
  if (functionNames.has("sbrk")) {
    throw new LinkError(
      "it calls sbrk, as a malloc of its own does, for the memory behind its data: " +
        "expected include/pymalloc_malloc.c in its place",
    );
  }
}

/** Where the guest ends, where that is known: what its linker says; else where its stack begins, when that comes last. */
function knownEndOf({ data, stackStart, heapBase }: GuestBinary): Address | undefined {
  const dataEnd = data?.end ?? 0;
  if (heapBase !== undefined && heapBase >= dataEnd) return roundUp(heapBase);
  return stackStart !== undefined && stackStart > dataEnd ? roundUp(stackStart) : undefined;
}

/** May there be a stack that grows down to the memory's beginning? */
function hasStackBelow({ stackStart, firstValues }: GuestBinary, data: Address): boolean {
  if (stackStart !== undefined) return stackStart <= data;
  const may = (value: number) => value >= FIRST && value <= data && value % STACK_ALIGNMENT === 0;
  return firstValues.some(may);
}

/**
 * Where the guest's data begins behind a whole page, and there is no stack in that, the heap begins there, as it does where it is a
 * host's; else it begins behind the guest.
 * @param reserved bytes of the heap's state
 */
export function placeFor(guest: GuestBinary, reserved: number): GuestPlace {
  const known = knownEndOf(guest);
  const least = guest.memory?.minimumPages ?? 0;
  const end = known ?? Math.max(least * PAGE, roundUp(guest.data?.end ?? 0));
  const otherwise = known === undefined ? ", or its end to be known: -Wl,--export=__heap_base" : "";
  const data = guest.data?.start ?? 0;
  const from = Math.floor(data / GRANULE) * GRANULE;
  if (from >= PAGE && !hasStackBelow(guest, data)) {
    const to = Math.max(end, from + LEAST_LEFT);
    const pages = Math.max(least, Math.ceil(to / PAGE));
    return { root: FIRST, guest: [from, to], pages, otherwise };
  }
  const root = Math.max(end, FIRST);
  const pages = Math.max(least, Math.ceil((root + reserved) / PAGE));
  return { root, guest: [0, 0], pages, otherwise };
}
