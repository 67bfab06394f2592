/** The Python call stack of a running Pyodide, read from its memory without its help. */
import { type Address, MemoryViews, unsigned } from "../base/base.js";
import type { EmscriptenProgram } from "../hosts/hosts.js";
import { type CodeUnits, FrameReader, type PythonFrame } from "./frame-reader.js";
import { BOUND_GILSTATE, type Offsets, TAG_BITS } from "./structs.js";

export type { PythonFrame } from "./frame-reader.js";

/** A local variable, or a cell, of a function that runs. */
export interface PythonLocal {
  readonly frame: PythonFrame;
  readonly name: string;
  /** The address of its object; 0 when it has no value. */
  readonly value: Address;
}

const DEFAULT_FRAMES = 32;

/** So many texts are kept. */
const MOST_TEXTS = 1024;

/**
 * Reads one program's stack from its memory.
 *
 * It is kept where that is done often: it knows the offsets, and the texts it has decoded. A text that it
 * knows is compared with the memory before it is used again, character by character, for an address can
 * have become another text's.
 */
export class PythonStackReader extends FrameReader {
  readonly #texts = new Map<Address, string>();

  constructor(program: Pick<EmscriptenProgram, "addressOf" | "memory">) {
    super(new MemoryViews(program.memory), program);
  }

  /**
   * The Python frames that run now, innermost first: those that `sys._getframe` gives, and at the innermost
   * end one that is just being set up, too. It never throws; where the memory is damaged it gives what
   * it has found up to there.
   *
   * @param limit how many frames at most, up to 1024
   * @returns an empty list when no Python runs, or when this CPython is not known here: 3.13 and 3.14 are
   */
  read(limit: number = DEFAULT_FRAMES): PythonFrame[] {
    const frames: PythonFrame[] = [];
    this.#each(limit, (frame) => frames.push(frame));
    return frames;
  }

  /** The local variables of these frames, the innermost frame's first. Like `read` it never throws. */
  locals(limit: number = DEFAULT_FRAMES): PythonLocal[] {
    const locals: PythonLocal[] = [];
    this.#each(limit, (frame, at, offsets) => {
      for (const [index, name] of this.namesOf(this.codeOf(at)).entries()) {
        if (name === undefined) return;
        const value = unsigned(this.word(at + offsets.locals + 4 * index) & ~TAG_BITS);
        locals.push({ frame, name, value });
      }
    });
    return locals;
  }

  /** Shows each frame of the thread that runs, and where it lies. */
  #each(limit: number, see: (frame: PythonFrame, at: Address, offsets: Offsets) => void): void {
    const offsets = this.offsets;
    if (offsets === undefined) return;
    try {
      this.frames(this.#thread(), limit, (frame, at) => see(frame, at, offsets));
    } catch {
      // Nothing in there throws but JavaScript itself, when its stack is full: a Python recursion that
      // has used it up allocates as well.
    }
  }

  /**
   * The thread that runs, or that has let go of the GIL and is still where it was. There may be others, which wait: Pyodide makes
   * one for each call that may be suspended. 0 when there is none.
   */
  #thread(): Address {
    const threads = this.interpreters().flatMap((interpreter) => this.threads(interpreter));
    const status = this.offsets?.threadStatus ?? 0;
    return threads.find((thread) => (this.word(thread + status) & BOUND_GILSTATE) !== 0) ?? 0;
  }

  /** Keeps the shorter ones. */
  protected override decoded(data: Address, characters: CodeUnits): string {
    if (characters.BYTES_PER_ELEMENT === 4) return super.decoded(data, characters);
    const known = this.#texts.get(data);
    if (known !== undefined && isText(known, characters)) return known;
    if (this.#texts.size >= MOST_TEXTS) this.#texts.clear();
    const text = super.decoded(data, characters);
    this.#texts.set(data, text);
    return text;
  }
}

function isText(text: string, characters: CodeUnits): boolean {
  if (text.length !== characters.length) return false;
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) !== characters[index]) return false;
  }
  return true;
}

/**
 * The frames as CPython's faulthandler prints them, a line each, without a line's end after the last:
 * `  File "x.py", line 3 in f`. An unknown line is `???`, as there. Empty when there are no frames.
 */
export function formatPythonStack(frames: readonly PythonFrame[]): string {
  return frames
    .map(({ file, line, name }) => `  File "${file}", line ${line === 0 ? "???" : line} in ${name}`)
    .join("\n");
}
