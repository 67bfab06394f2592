/** A guest's place in its heap's memory: what can't have one is refused, and what a guest leaves that fails is taken back. */
import { isObject, outOfMemory, PAGE, show, typeError } from "../../base/base.js";
import type { Host, OwnMemory } from "../../hosts/hosts.js";
import type { GuestBinary } from "./binary.js";

/** @throws TypeError that says what is wrong with a guest, or with what it is given */
export function fail(problem: string): never {
  throw typeError(`instantiate: ${problem}`);
}

/** The memory of a heap that guests can live in. */
export function requireOwn({ own }: Host): OwnMemory {
  if (own !== undefined) return own;
  return fail(
    "the heap's memory is someone else's, expected a heap that createHeap made a memory for",
  );
}

/** Engines that don't know memories of 64 bits say only that the guest is not valid. */
export function refuse64Bits({ memory }: GuestBinary): void {
  if (memory === undefined || memory.addressBits === 32) return;
  fail(`the guest's pointers have ${memory.addressBits} bits, expected 32: build it for wasm32`);
}

/** By which name the guest imports the memory that it shares with the heap. */
export function requireMemory(
  { memory, memories }: GuestBinary,
  { maximumPages: most }: OwnMemory,
): { module: string; name: string } {
  if (memory?.from === undefined) {
    const found = memory === undefined ? "no memory" : "a memory of its own";
    fail(`the guest has ${found}, expected it to import one: link it with -Wl,--import-memory`);
  }
  if (memories > 1) fail(`the guest has ${memories} memories, expected one`);
  const { maximumPages, shared, from } = memory;
  if (shared) fail("the guest's memory is shared between threads, expected one that is not");
  if (maximumPages !== undefined && maximumPages < most) {
    fail(
      `the guest's memory has at most ${maximumPages * PAGE} bytes, the heap's up to ` +
        `${most * PAGE}: expected no --max-memory, or createHeap's maximumBytes to be no more`,
    );
  }
  return from;
}

const kinds: Readonly<Record<string, (value: unknown) => boolean>> = {
  function: (value) => typeof value === "function",
  global: (value) => value !== undefined,
};

/** What the guest imports is there, and of that kind. Whether its type is right is found out by instantiating. */
export function requireImport(
  all: WebAssembly.Imports,
  { module, name, kind }: WebAssembly.ModuleImportDescriptor,
  whose: string | undefined,
): void {
  const value: unknown = all[module]?.[name];
  const what = `the guest imports ${show(`${module}.${name}`)}`;
  if (value === undefined) fail(`${what}, expected ${whose ?? "it in `imports`"}`);
  if ((kinds[kind] ?? isObject)(value)) return;
  fail(`${what}, which is ${show(value)}, expected a ${kind}`);
}

/** The page at which the guest's data and stack end: its memory may be declared smaller than it has to be. */
function endOf({ memory, data, stackStart = 0 }: GuestBinary): number {
  const end = Math.max(data?.end ?? 0, stackStart);
  return Math.max(memory?.minimumPages ?? 0, Math.ceil(end / PAGE));
}

function tooLarge(pages: number, own: OwnMemory): RangeError {
  return outOfMemory(
    `instantiate: the guest needs ${pages * PAGE} bytes, expected at most ` +
      `${own.maximumPages * PAGE} (maximumBytes), and so much memory`,
  );
}

/** So long a stack has to be: as long as clang's linker makes one. */
const LEAST_STACK = PAGE;

/** Below the stack of a guest whose data lie behind it is the heap: what the heap uses is not the stack's. */
function requireStack(stackStart: number, heapEnd: number): void {
  const least = heapEnd + LEAST_STACK;
  if (stackStart >= least) return;
  fail(
    `the guest's stack reaches from ${stackStart} down into what the heap uses, expected it to begin at ${least} or more: ` +
      `link it with -z stack-size=${least}, or with --no-stack-first`,
  );
}

/** Where the stack begins. Without names it is told by the first variable, which is its pointer where a linker for C made it. */
function stackOf({ stackStart, firstValues }: GuestBinary, dataStart: number): number | undefined {
  const [first = 0] = firstValues;
  const may = first >= LEAST_STACK && first <= dataStart && first % 16 === 0;
  return stackStart ?? (may ? first : undefined);
}

/** A guest without data or stack has no place of its own, but wants a memory of some length. */
function lengthen(memory: WebAssembly.Memory, pages: number, own: OwnMemory): void {
  const missing = pages - memory.buffer.byteLength / PAGE;
  if (missing <= 0) return;
  try {
    memory.grow(missing);
  } catch {
    throw tooLarge(pages, own);
  }
}

/**
 * The memory up to the guest's end becomes the guest's: its data, its stack.
 * @returns what gives it back, for a guest that fails
 */
export function makePlace(guest: GuestBinary, memory: WebAssembly.Memory, own: OwnMemory) {
  const { data, movable, variables, functionNames } = guest;
  const end = endOf(guest);
  if (movable) {
    fail(
      "the guest has data at an address that an import says, expected it at fixed addresses: " +
        "link it as a program, without -shared, -pie and --experimental-pic",
    );
  }
  if (data === undefined && !variables) {
    lengthen(memory, end, own);
    return () => {};
  }
  if (functionNames.has("sbrk")) {
    fail(
      "the guest calls sbrk, as a malloc of its own does, for the memory behind its data: " +
        "expected include/pymalloc_malloc.c in its place",
    );
  }
  if (data === undefined) {
    fail("the guest has no data that shows where it lies, expected it to include pymalloc.h");
  }
  const start = own.pagesInUse();
  const stackStart = stackOf(guest, data.start);
  if (stackStart !== undefined && stackStart <= data.start) {
    requireStack(stackStart, start * PAGE);
  } else if (data.start < start * PAGE) {
    fail(
      `the guest's data begins at ${data.start}, expected ${start * PAGE} or more, behind what the heap uses: ` +
        `link it with -Wl,--global-base=${start * PAGE}, or instantiate it before the heap is used`,
    );
  }
  if (end > own.maximumPages || own.leave(start, end) === 0) throw tooLarge(end, own);
  return () => own.takeBack(start);
}
