/** The frames of a Python's threads, read from its memory, be that in use or an image. */
import { type Address, unsigned } from "../base/base.js";
import type { EmscriptenProgram } from "../hosts/hosts.js";
import { lineAt } from "./locations.js";
import { type Offsets, Owners, readOffsets, TAG_BITS, TypeFlags } from "./structs.js";

/** A function, or a module, that runs. */
export interface PythonFrame {
  /** The file name of its code, as it was compiled. */
  readonly file: string;
  /** The line it is at; 0 when its code has no line there. */
  readonly line: number;
  /** The qualified name of its code: `Class.method`, `outer.<locals>.inner`, `<module>`. */
  readonly name: string;
}

/** A memory as it is read here: `MemoryViews` of one that runs, or an image of one. */
export interface MemoryArrays {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
}

/** Bounds of what is followed: a damaged memory can hold rings, and lengths of anything. */
enum Most {
  frames = 1024,
  interpreters = 64,
  threads = 1024,
  characters = 4096,
  tableBytes = 1 << 20,
  locals = 256,
}

/** Characters as they are stored, of 1, 2 or 4 bytes each. */
export type CodeUnits = Uint8Array | Uint16Array | Uint32Array;

/**
 * Reads frames, and what belongs to them. Nothing is called in the program and nothing in its memory is changed, so this may be
 * asked in the middle of anything, as of an allocator's call.
 */
export class FrameReader {
  readonly #arrays: MemoryArrays;
  /** Where this CPython has the fields of its structs; undefined where it is not known here: 3.13 and 3.14 are. */
  readonly offsets: Offsets | undefined;
  readonly #runtime: Address;
  readonly #codeType: Address;

  constructor(arrays: MemoryArrays, { addressOf }: Pick<EmscriptenProgram, "addressOf">) {
    this.#arrays = arrays;
    this.#runtime = addressOf("_PyRuntime") ?? 0;
    this.#codeType = addressOf("PyCode_Type") ?? 0;
    this.offsets = this.#codeType === 0 ? undefined : readOffsets(arrays.u32, this.#runtime);
  }

  /** The word at an address; 0 (NULL) outside of the memory, and where no word can lie. */
  word(address: Address): number {
    return address % 4 === 0 ? (this.#arrays.u32[address >>> 2] ?? 0) : 0;
  }

  /** The code object of the frame at an address, or what is in its place. */
  codeOf(frame: Address): Address {
    return unsigned(this.word(frame + (this.offsets?.executable ?? 0)) & ~TAG_BITS);
  }

  /** The names of the local variables and cells of a code object, in their order; undefined for what is no name. */
  namesOf(code: Address): (string | undefined)[] {
    const { offsets } = this;
    if (offsets === undefined) return [];
    const names = this.word(code + offsets.localNames);
    const count = Math.min(this.word(names + offsets.tupleLength), Most.locals);
    const first = names + offsets.tupleItems;
    return Array.from({ length: count }, (_, index) => this.text(this.word(first + 4 * index)));
  }

  /** Shows each frame of a thread, the innermost first, and where it lies. @param limit how many at most, up to 1024 */
  frames(thread: Address, limit: number, see: (frame: PythonFrame, at: Address) => void): void {
    const { offsets } = this;
    if (offsets === undefined) return;
    const most = Math.min(limit, Most.frames);
    let seen = 0;
    let frame = this.word(thread + offsets.currentFrame);
    // Between two frames of Python are at most an entry and the frame that CPython puts around __init__.
    for (let steps = 3 * most + 3; steps > 0 && frame !== 0 && seen < most; steps--) {
      const owner = this.#arrays.u8[frame + offsets.owner] ?? Owners.last + 1;
      if (owner > Owners.last) return;
      if (owner < Owners.firstEntry) {
        const code = this.codeOf(frame);
        const found = this.#frame(offsets, code, this.word(frame + offsets.instruction));
        if (found === undefined) return;
        if (found !== "internal") {
          see(found, frame);
          seen++;
        }
      }
      frame = this.word(frame + offsets.previous);
    }
  }

  /** The states of all interpreters, the newest first. */
  interpreters(): Address[] {
    const { offsets } = this;
    if (offsets === undefined) return [];
    const first = this.word(this.#runtime + offsets.interpretersHead);
    return this.#list(first, offsets.interpreterNext, Most.interpreters);
  }

  /** The states of all threads of an interpreter, the newest first. */
  threads(interpreter: Address): Address[] {
    const { offsets } = this;
    if (offsets === undefined) return [];
    const first = this.word(interpreter + offsets.threadsHead);
    return this.#list(first, offsets.threadNext, Most.threads);
  }

  #list(first: Address, next: number, most: number): Address[] {
    const list: Address[] = [];
    for (let at = first; at !== 0 && list.length < most; at = this.word(at + next)) list.push(at);
    return list;
  }

  /** A frame by its code object and its instruction; undefined when the former is none. */
  #frame(
    offsets: Offsets,
    code: Address,
    instruction: Address,
  ): PythonFrame | "internal" | undefined {
    if (this.word(code + offsets.type) !== this.#codeType) return undefined;
    const line = this.#line(offsets, code, instruction);
    // The code around an __init__ that CPython called without C (_Py_InitCleanup) is nobody's.
    if (line === 0 && this.word(code + offsets.firstLine) === 0) return "internal";
    const file = this.text(this.word(code + offsets.fileName));
    const name = this.text(this.word(code + offsets.qualifiedName));
    if (line === undefined || file === undefined || name === undefined) return undefined;
    return { file, line, name };
  }

  /** Whether the object's type has the flag. */
  #is(offsets: Offsets, object: Address, flag: number): boolean {
    const type = this.word(object + offsets.type);
    return (this.word(type + offsets.typeFlags) & flag) !== 0;
  }

  #line(offsets: Offsets, code: Address, instruction: Address): number | undefined {
    const table = this.word(code + offsets.lineTable);
    if (!this.#is(offsets, table, TypeFlags.bytes)) return undefined;
    const start = table + offsets.bytesData;
    const length = Math.min(this.word(table + offsets.bytesLength), Most.tableBytes);
    const firstLine = this.word(code + offsets.firstLine) | 0;
    const unit = (instruction - code - offsets.byteCode) / 2;
    return lineAt(this.#arrays.u8, start, start + length, firstLine, unit);
  }

  /** A `str` (Include/cpython/unicodeobject.h), or the beginning of a very long one; undefined where there is none. */
  text(text: Address): string | undefined {
    const { offsets } = this;
    if (offsets === undefined || !this.#is(offsets, text, TypeFlags.text)) return undefined;
    const state = this.word(text + offsets.textState);
    const width = (state >>> 2) & 7; // bytes a character
    const compact = (state & 32) !== 0; // the characters follow the struct ...
    const ascii = (state & 64) !== 0; // ... which is a shorter one then
    const { u8, u16, u32 } = this.#arrays;
    const units = width === 1 ? u8 : width === 2 ? u16 : width === 4 ? u32 : undefined;
    // What texts that are not compact have more, a pointer to their characters, is last in their struct.
    const pointer = text + offsets.textBytes - 4;
    const data = compact ? (ascii ? text + offsets.asciiBytes : pointer) : this.word(pointer);
    const length = this.word(text + offsets.textLength);
    if (units === undefined || data + length * width > u8.length) return undefined;
    const start = data / width;
    const characters = units.subarray(start, start + Math.min(length, Most.characters));
    return this.decoded(data, characters);
  }

  /** Characters as a text. @param _data where they are */
  protected decoded(_data: Address, characters: CodeUnits): string {
    let text = "";
    for (const character of characters) {
      text += character <= 0x10ffff ? String.fromCodePoint(character) : "\ufffd";
    }
    return text;
  }
}
