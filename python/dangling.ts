/**
 * Pointers into freed memory: what a crash in a debug mode is looked through for. A reference that is counted once too few
 * lets Python free an object that someone still has; no call is wrong then, and the crash comes later.
 *
 * Only the blocks in the quarantine are looked for. Those that left it are other blocks by now.
 */

import { type Address, debugLayout, hex, section } from "../base/base.js";
import type { EmscriptenProgram } from "../hosts/hosts.js";
import { type DebugBlock, type DebugHeap, describe } from "../src/debug/debug.js";
import { formatPythonStack, type PythonStackReader } from "./frames.js";
import { ObjectReader, type PythonObject } from "./python-objects.js";
import { DictFields, LEADS, ObjectFields, TypeFlags } from "./structs.js";

/** Bounds: the pointers that are told of, and the time that is taken. */
enum Most {
  told = 8,
  milliseconds = 3000,
}

type Holder = Pick<DebugBlock, "start" | "size" | "family">;

/** A word that points into a freed block, at an offset in a live one. */
interface Pointer {
  readonly holder: Holder;
  readonly offset: number;
  readonly freed: DebugBlock;
}

/** Who holds a freed block, in words, and how much is known of him: 0 is most. */
interface Finding {
  readonly rank: number;
  readonly holder: string;
  readonly freed: DebugBlock;
}

/** The fields that lead to what a list and a dict have in blocks of their own. */
const LIST_ARRAYS = [ObjectFields.listItems];
const DICT_ARRAYS = [DictFields.keys, DictFields.values];

function isLive({ state }: DebugBlock): boolean {
  return state === debugLayout.LIVE || state === debugLayout.BLAMED;
}

/** What became of a block that someone points to. */
function fateOf(block: DebugBlock): string {
  return isLive(block) ? "of an object that is gone, kept for the next one" : "which was freed";
}

class Search {
  readonly #debugHeap: DebugHeap;
  readonly #objects: ObjectReader;
  readonly #tupleItems: number;
  readonly #end = performance.now() + Most.milliseconds;
  /** Where the freed blocks and the objects in them began. */
  readonly #freed = new Map<Address, DebugBlock>();
  #lowest = 2 ** 32;
  #highest = 0;
  readonly found: Finding[] = [];

  constructor(program: EmscriptenProgram, debugHeap: DebugHeap) {
    this.#debugHeap = debugHeap;
    this.#objects = new ObjectReader(program);
    // A tuple's items follow its fields, which are more since 3.14.
    this.#tupleItems = this.#objects.word(
      (program.addressOf("PyTuple_Type") ?? 0) + ObjectFields.basicSize,
    );
    for (const block of debugHeap.blocks()) {
      if (block.state === debugLayout.HELD || block.state === debugLayout.CONDEMNED) {
        for (const lead of block.family === "object" ? LEADS : [0]) this.#add(block, lead);
      } else if (isLive(block) && block.family === "object") {
        const object = this.#objects.objectAt(block.start);
        if (object !== undefined && this.#objects.isGone(object)) {
          this.#add(block, object.address - block.start);
        }
      }
    }
  }

  #add(block: DebugBlock, lead: number): void {
    const address = block.start + lead;
    if (lead >= Math.max(block.size, 1)) return;
    this.#freed.set(address, block);
    this.#lowest = Math.min(this.#lowest, address);
    this.#highest = Math.max(this.#highest, address);
  }

  /** The object in a block, if someone can have it. */
  #objectIn({ start, family }: Holder): PythonObject | undefined {
    if (family !== "object") return undefined;
    const object = this.#objects.objectAt(start);
    return object === undefined || this.#objects.isGone(object) ? undefined : object;
  }

  /** All that may hold something: live blocks, and of those from before the debug mode the objects, whose length is known. */
  *#holders(): Generator<Holder> {
    let count = 0;
    for (const block of this.#debugHeap.blocks()) {
      if (!isLive(block)) continue;
      if (++count % 1024 === 0 && performance.now() > this.#end) return;
      yield block;
    }
    for (const start of this.#debugHeap.earlierBlocks()) {
      const object = this.#objects.objectAt(start);
      if (object === undefined) continue;
      if (++count % 1024 === 0 && performance.now() > this.#end) return;
      const size = object.address - start + this.#objects.sizeOf(object);
      yield { start, size, family: "object" };
    }
  }

  /** What is no container's item may be a pointer that counts no reference, left from before. */
  #tell(rank: number, part: string, { type, address }: PythonObject, freed: DebugBlock): void {
    if (rank > 1 && isLive(freed)) return;
    const holder = `${part} of the ${this.#objects.nameOf(type)} at ${hex(address)}`;
    this.found.push({ rank, holder, freed });
  }

  /** The variables of the functions that run. */
  lookThroughFrames(reader: PythonStackReader): void {
    for (const { frame, name, value } of reader.locals()) {
      const freed = this.#freed.get(value);
      if (freed === undefined) continue;
      this.found.push({ rank: 0, holder: `the variable \`${name}\` of ${frame.name}()`, freed });
    }
  }

  /** The words of all live blocks. Most that are pointers are left from before, in C's own memory: all have to be looked at. */
  *#pointers(): Generator<Pointer> {
    for (const holder of this.#holders()) {
      for (let offset = 0; offset + 4 <= holder.size; offset += 4) {
        const to = this.#objects.word(holder.start + offset);
        if (to < this.#lowest || to > this.#highest) continue;
        const freed = this.#freed.get(to);
        if (freed !== undefined) yield { holder, offset, freed };
      }
    }
  }

  lookThroughBlocks(): void {
    if (this.#freed.size === 0) return;
    const arrays = new Map<Address, Pointer[]>();
    for (const pointer of this.#pointers()) {
      const { start, family } = pointer.holder;
      if (family !== "mem") this.#tellObject(pointer);
      else if (arrays.get(start)?.push(pointer) === undefined) arrays.set(start, [pointer]);
    }
    if (arrays.size > 0) this.#tellArrays(arrays);
  }

  /** A pointer in a list or a tuple: what lies behind the last item is left from before. */
  #tellItem(index: number, object: PythonObject, freed: DebugBlock): void {
    if (index < 0 || index >= this.#objects.word(object.address + ObjectFields.length)) return;
    this.#tell(1, `item ${index}`, object, freed);
  }

  /** A pointer that stands in an object itself. */
  #tellObject({ holder, offset, freed }: Pointer): void {
    const object = this.#objectIn(holder);
    if (object === undefined) return;
    const at = holder.start + offset - object.address;
    if (this.#objects.has(object.type, TypeFlags.tuple)) {
      this.#tellItem((at - this.#tupleItems) / 4, object, freed);
      return;
    }
    // Of others it is only known of what a class of Python's made that its words are references, but for those before it,
    // which lead to its neighbours in the collector's list, and for what an int, a text or bytes begin with.
    if (!this.#objects.has(object.type, TypeFlags.preHeader) || at < 0) return;
    if (this.#objects.has(object.type, TypeFlags.plain)) return;
    this.#tell(2, `the word at offset ${at}`, object, freed);
  }

  /** Pointers in blocks that are no objects, but a list's or a dict's: those that a field of it leads to. */
  #tellArrays(arrays: Map<Address, Pointer[]>): void {
    for (const block of this.#holders()) {
      const object = this.#objectIn(block);
      if (object === undefined) continue;
      const isList = this.#objects.has(object.type, TypeFlags.list);
      const isDict = this.#objects.has(object.type, TypeFlags.dict);
      for (const field of isList ? LIST_ARRAYS : isDict ? DICT_ARRAYS : []) {
        const start = this.#objects.word(object.address + field);
        const before = this.found.length;
        for (const { offset, freed } of arrays.get(start) ?? []) {
          if (isList) this.#tellItem(offset / 4, object, freed);
          else if (this.#isEntry(start, field, offset)) this.#tell(1, "an entry", object, freed);
        }
        // Instances of one type share their keys. One that is kept for later has an array that is another's by now.
        if (this.found.length > before) arrays.delete(start);
      }
    }
  }

  /**
   * Is it a key or a value, in an array of a dict's? Hashes may be any number: that of an int is the int, which is an
   * address in `{id(object): ...}`. So may be indices, and what lies behind the last entry.
   */
  #isEntry(start: Address, field: number, offset: number): boolean {
    const head = (at: DictFields) => this.#objects.byte(start + at);
    if (field === DictFields.values) return offset > 0 && offset <= 4 * head(DictFields.capacity);
    const at = offset - DictFields.indices - 2 ** head(DictFields.logIndexBytes);
    // A key and a value are the last eight bytes of an entry.
    const step = head(DictFields.kind) === DictFields.general ? 12 : 8;
    const end = step * this.#objects.word(start + DictFields.entries);
    return at >= 0 && at < end && at % step >= step - 8;
  }
}

/**
 * What in the interpreter's memory points to blocks that were freed and are held back, as text; empty where nothing does.
 * Nothing is changed, and it never throws; it looks at the variables of the functions that run and at all live blocks, for
 * three seconds at most.
 */
export function tellDangling(
  program: EmscriptenProgram,
  debugHeap: DebugHeap,
  reader: PythonStackReader,
): string {
  const search = new Search(program, debugHeap);
  search.lookThroughFrames(reader);
  search.lookThroughBlocks();
  const findings = search.found.sort((one, other) => one.rank - other.rank).slice(0, Most.told);
  if (findings.length === 0) return "";
  const told = findings.map(({ holder, freed }) => {
    const { allocationStack, freeStack } = debugHeap.stacksOf(freed);
    return [
      `  ${holder} is ${describe(freed)}, ${fateOf(freed)}\n`,
      section("The block was allocated here", allocationStack),
      section("The block was freed here", freeStack),
    ].join("");
  });
  return [
    "Memory that is in use points to blocks that were freed:\n",
    ...told,
    "An object is freed while someone has it when its references are counted wrongly:\n",
    "a Py_DECREF too many, or a Py_INCREF that is missing.\n",
    section("Python was running (most recent call first)", formatPythonStack(reader.read())),
  ].join("");
}
