/**
 * What the debug modes say, as patterns. A library's heap has them filled in here, in `mistakes.ts` and `dump.ts`; a program
 * that the debug heap was linked into has them in its memory, and core/debug/report fills them in. The letters are the same:
 *
 *     of the fault   %c the call with its pointer, %n without it, %v the letter of its family, %a the address
 *     of its block   %b the block in words, %p where it begins, %e where it ends, %z its size, %B in words, %s its serial number,
 *                    %f its family, %F as a prefix, %l as a letter
 *     of a place     %d a number, %u a number of bytes in words, %h an address, %x a byte, %w a word
 */
import { debugLayout as L, type PyMemErrorKind } from "../../base/base.js";

/** What is wrong. Of a block that is not known, it is the sentence of an invalid pointer. */
export const sentences: Readonly<Record<Exclude<PyMemErrorKind, "broken-invariant">, string>> = {
  "buffer-overflow":
    "%c: bad trailing pad byte; the bytes behind %b were overwritten, at offset %d",
  "buffer-underflow":
    "%c: bad leading pad byte; the bytes in front of %b were overwritten, at offset %d",
  "use-after-free-write": "%c: %b was written to after it was freed, at offset %d",
  "double-free": "%c: %b was freed before",
  "wrong-family":
    "%c: bad ID: Allocated using API '%l', verified using API '%v'; %b belongs to %FFree",
  "invalid-pointer": "%c: no block begins there; ",
  "without-gil": "%n: Python memory allocator called without holding the GIL",
};

export const phraseKind = "%w: ";
export const phraseBlock = "the block of %B at %p (family %f, made by call #%s)";
export const phraseByte = "1 byte";
export const phraseBytes = "%d bytes";
export const phraseCall = "%n(%a)";
/** Behind the sentence of `without-gil`. */
export const phraseAbout = "; %b";
// Behind the sentence of `invalid-pointer`: what it points at.
export const phrasePattern = "it is the pattern of %w, read as a pointer";
export const phraseInFront = "it points %u in front of %b";
export const phraseInside = "it points %u into %b";
export const phraseBehind = "it points %u behind the end of %b";
export const phraseFreed = ", which was freed";
export const phraseOutside = "it is outside the memory of %d bytes";
export const phraseNowhere = "nothing was allocated there";
export const phrasePoolHeader = "it points into the header of the pool at %h";
export const phrasePool = "it points into the pool at %h, where no block was allocated";
/** What memory was that a pointer was read from which has one byte four times. */
export const fillingClean = "new memory that was never written to";
export const fillingDead = "freed memory";
export const fillingForbidden = "the pads around a block";
/** What was going on when a fault was found, by its number: behind a family's prefix, or by itself where it is no call. */
export const calls: Readonly<Record<number, string>> = {
  [L.ON_FREE]: "Free",
  [L.ON_REALLOC]: "Realloc",
  [L.ON_LEAVING]: "quarantine",
  [L.ON_VALIDATE]: "validate",
  [L.ON_MALLOC]: "Malloc",
  [L.ON_CALLOC]: "Calloc",
};

/** CPython's dump (Objects/obmalloc.c, _PyObject_DebugDumpAddress), with a few lines more. */
export const dumpNothing = "Debug memory block at address p=%a: no block begins here\n";
export const dumpHead =
  "Debug memory block at address p=%p: API '%l'\n    %z bytes originally requested\n";
export const dumpGone =
  "    It was freed and has left the quarantine: its memory may belong to others by now.\n";
export const dumpLetter = "    The letter of the API in memory is damaged: 0x%x.\n";
export const dumpSize = "    The count of bytes in memory is damaged: %d.\n";
export const dumpFront = "    The 3 pad bytes at p-3 are ";
export const dumpRear = "    The 4 pad bytes at tail=%e are ";
export const dumpIntact = "FORBIDDENBYTE, as expected.\n";
export const dumpDamaged = "not all FORBIDDENBYTE (0x%x):\n";
export const dumpFrontByte = "        at p-%d: ";
export const dumpRearByte = "        at tail+%d: ";
export const dumpRight = "0x%x\n";
export const dumpOuch = "0x%x *** OUCH\n";
export const dumpBogus = `    Because memory is corrupted at the start, the count of bytes requested
       may be bogus, and checking the trailing pad bytes may segfault.
`;
export const dumpCall = "    The block was made by call #%s to debug malloc/realloc.\n";
export const dumpSerial = "    The serial number in memory is damaged: %d.\n";
export const dumpData = "    Data at p:";
export const dumpDataByte = " %x";
export const dumpDataGap = " ...";
