/**
 * What the command itself prints goes through here: it is written at once and whole, by any thread, and what is in the
 * way is told in one way. A text that came from a file or a name goes through `printable` first: a terminal obeys what
 * it is sent.
 */
import { writeSync } from "node:fs";
import { ReadersGone, UsageError } from "./errors.js";

const nap = new Int32Array(new SharedArrayBuffer(4));

/** Writes all of it, also into a pipe that is full and does not block. @throws Error of node:fs */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(nap, 0, 0, 2);
    }
  }
}

function write(fd: number, name: string, text: string | Uint8Array): void {
  try {
    writeAll(fd, typeof text === "string" ? Buffer.from(text) : text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EPIPE") throw new ReadersGone();
    throw new UsageError(`${name} can't be written: ${(error as Error).message}`);
  }
}

/** Prints on standard output. @throws UsageError, ReadersGone */
export function print(text: string | Uint8Array): void {
  write(1, "standard output", text);
}

/** Prints on standard error. @throws UsageError, ReadersGone */
export function tell(text: string | Uint8Array): void {
  write(2, "standard error", text);
}

/** Prints it as JSON on standard output, in which no control character is left. */
export function printJson(value: unknown): void {
  const escaped = (c: string) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
  print(`${JSON.stringify(value, null, 2).replace(/[\x7f-\x9f]/g, escaped)}\n`);
}

/** Control characters, and those that turn the direction of what follows. */
const CONTROLS = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

const named: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A text on one line, with what a terminal would obey made visible: `\x1b`, `\u202e`. */
export function printable(text: string): string {
  return text.replace(CONTROLS, (c) => {
    const code = c.charCodeAt(0);
    const [mark, digits] = code < 256 ? ["x", 2] : ["u", 4];
    return named[c] ?? `\\${mark}${code.toString(16).padStart(digits, "0")}`;
  });
}
