/** Roots that are frames of functions which run: their variables by name, and what lies on their stacks. */
import { type Address, unsigned } from "../../base/base.js";
import { FrameFields, type FrameReader, type PythonFrame, TAG_BITS } from "../../python/python.js";
import type { Root } from "./root.js";

/** Bounds of what is followed; the first is that of all threads together. */
enum Most {
  frames = 2048,
  threads = 256,
  stack = 1024,
}

/** `_frameowner`: the frame is part of a generator. */
const OF_GENERATOR = 1;

/** The file of our own Python (see inspect/in-python.ts): what it has while it looks is nobody's. */
export const OWN_FILE = "<pymalloc>";

/** What a code object has in front of its first line: how many places its stack has. */
const STACK_SIZE = -4;

/** Where a frame is: `f (app.py:12)`. */
function placeOf({ file, line, name }: PythonFrame): string {
  const short = file.slice(file.lastIndexOf("/") + 1);
  return `${name} (${short}:${line === 0 ? "?" : line})`;
}

/**
 * Where the used part of a frame's stack ends: an address in 3.14, a number of words in 3.13. While a function runs that is not
 * always written down, and all of the stack is taken for used.
 */
function stackTop(word: number, first: Address, stack: Address, room: number): Address {
  const most = stack + 4 * room;
  const top = word >= first ? word : first + 4 * word;
  return word > 0 && top >= stack && top <= most ? top : most;
}

/**
 * What the frames of all threads hold, each thread's innermost frame first. The variables of a generator that runs are not among
 * it, but the generator is.
 */
export function frameRoots(reader: FrameReader, u8: Uint8Array): Root[] {
  const roots: Root[] = [];
  const { offsets } = reader;
  if (offsets === undefined) return roots;
  const tagged = (name: string, at: Address) => {
    const word = reader.word(at);
    // With both bits it is a number.
    if ((word & TAG_BITS) === TAG_BITS) return;
    const address = unsigned(word & ~TAG_BITS);
    if (address === 0) return;
    roots.push({ group: "frames", name, address });
  };
  const threads = new Set(reader.interpreters().flatMap((one) => reader.threads(one)));
  let left: number = Most.frames;
  const see = (frame: PythonFrame, at: Address): void => {
    left--;
    if (frame.file === OWN_FILE) return;
    const place = placeOf(frame);
    if (u8[at + offsets.owner] === OF_GENERATOR) {
      const address = at - FrameFields.inGenerator;
      roots.push({ group: "frames", name: `running ${place}`, address });
      return;
    }
    const code = reader.codeOf(at);
    const names = reader.namesOf(code);
    const first = at + offsets.locals;
    for (const [index, name] of names.entries()) {
      tagged(`local ${name ?? index} of ${place}`, first + 4 * index);
    }
    const stack = first + 4 * names.length;
    const room = Math.min(reader.word(code + offsets.firstLine + STACK_SIZE), Most.stack);
    const top = stackTop(reader.word(at + FrameFields.stackTop), first, stack, room);
    for (let word = stack; word < top; word += 4) tagged(`stack of ${place}`, word);
    tagged(`function of ${place}`, at + FrameFields.function);
    tagged(`code of ${place}`, at + FrameFields.code);
    tagged(`f_locals of ${place}`, at + FrameFields.locals);
    tagged(`frame object of ${place}`, at + FrameFields.frameObject);
  };
  for (const thread of [...threads].slice(0, Most.threads)) reader.frames(thread, left, see);
  return roots;
}
