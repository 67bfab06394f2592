/** The process's own streams, as a Python program has them. */
import { fstatSync, readSync } from "node:fs";
import { isatty } from "node:tty";
import { getSystemErrorName } from "node:util";
import { writeAll } from "./output.js";
import { NO_INPUT, notice, type Supervision, Word } from "./supervision.js";

/** Standard input as a Pyodide reads it. */
export interface Reader {
  /** @returns how many bytes came, 0 at the end @throws Error with the `code` of the system's error */
  read(into: Uint8Array): number;
  readonly isatty: boolean;
}

/** A stream of Pyodide's that is written to. */
export interface Writer {
  write(bytes: Uint8Array): number;
  readonly isatty?: boolean;
}

/** An error of the system, as Pyodide knows it: by its code. */
class SystemError extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** May a read have to wait? */
function waits(): boolean {
  try {
    const found = fstatSync(0);
    return isatty(0) || found.isFIFO() || found.isSocket();
  } catch {
    return false;
  }
}

function readHere(into: Uint8Array): number {
  try {
    return readSync(0, into);
  } catch (error) {
    // The end of a pipe is an error on Windows.
    if ((error as NodeJS.ErrnoException).code === "EOF") return 0;
    throw error;
  }
}

/** Has the supervisor read: the wait ends early when there is a signal, which CPython knows as EINTR. */
function readThere(
  { words, input }: Supervision,
  poll: (() => void) | undefined,
): (into: Uint8Array) => number {
  let asked = false;
  let rest = new Uint8Array();
  return (into) => {
    while (rest.length === 0) {
      const bell = Atomics.load(words, Word.bell);
      if (Atomics.load(words, Word.interrupt) !== 0) throw new SystemError("EINTR");
      poll?.();
      const length = Atomics.load(words, Word.input);
      if (length !== NO_INPUT) {
        asked = false;
        Atomics.store(words, Word.input, NO_INPUT);
        if (length < 0) throw new SystemError(getSystemErrorName(length));
        if (length === 0) return 0;
        rest = input.slice(0, length);
      } else {
        if (!asked) notice({ kind: "input" });
        asked = true;
        Atomics.wait(words, Word.bell, bell);
      }
    }
    const part = rest.subarray(0, into.length);
    into.set(part);
    rest = rest.subarray(part.length);
    return part.length;
  };
}

/** Standard input; where a supervisor is given, its signals end a read that waits. `poll` is called when it may have news. */
export function standardInput(supervision?: Supervision, poll?: () => void): Reader {
  const there = supervision !== undefined && waits();
  return { isatty: isatty(0), read: there ? readThere(supervision, poll) : readHere };
}

/** Standard output or standard error; `before` is told of what will be written to a terminal. */
export function standardOutput(fd: 1 | 2, before?: (bytes: Uint8Array) => void): Writer {
  const terminal = isatty(fd);
  return {
    isatty: terminal,
    write(bytes) {
      if (terminal) before?.(bytes);
      writeAll(fd, bytes);
      return bytes.length;
    },
  };
}
