/** Files that the command makes: under its own name there is only ever a whole one. */
import { closeSync, lstatSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { reasonOf, UsageError } from "./errors.js";
import { notice } from "./supervision.js";

/** The temporary name of a file, while it is written: in the same folder, so that it can be renamed. */
export function temporaryName(path: string): string {
  return `${path}.${process.pid}.tmp`;
}

/** Does a part of the writing of a file. @throws UsageError with the reason, where something is in the way */
export function writing<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new UsageError(`${path} can't be written: ${reasonOf(error)}`);
  }
}

/**
 * Looks whether a file of this name can be written, before the work that leads to it. Only a regular file is ever
 * overwritten: the new one takes the name's place, and a device or a pipe would be gone.
 *
 * @param what the file is, for messages: `the trace`
 * @throws UsageError where it can't, or where there is a file and it is not to be overwritten
 */
export function requireWritable(path: string, what: string, overwrites: boolean): void {
  if (path === "") throw new UsageError(`${what}'s name is "", expected that of a file`);
  const found = writing(path, () => lstatSync(path, { throwIfNoEntry: false }));
  const target = found?.isSymbolicLink() ? statSync(path, { throwIfNoEntry: false }) : found;
  if (target?.isDirectory()) throw new UsageError(`${path} is a directory, expected a file`);
  if (target !== undefined && !target.isFile()) {
    throw new UsageError(`${path} is no regular file, and nothing else can be overwritten`);
  }
  if (found !== undefined && !overwrites) {
    throw new UsageError(`${path} exists; --force overwrites it`);
  }
  const temporary = temporaryName(path);
  writing(path, () => {
    notice({ kind: "leftover", path: temporary });
    closeSync(openSync(temporary, "wx"));
    rmSync(temporary);
    notice({ kind: "done", path: temporary });
  });
}

/**
 * Writes a file, piece by piece.
 * @returns its bytes
 * @throws UsageError where it can't be written, and what the pieces throw; then nothing is there
 */
export async function writeWhole(
  path: string,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<number> {
  const temporary = temporaryName(path);
  notice({ kind: "leftover", path: temporary });
  const file = writing(path, () => openSync(temporary, "wx"));
  let bytes = 0;
  try {
    try {
      for await (const piece of pieces) {
        for (let done = 0; done < piece.length; ) {
          done += writing(path, () => writeSync(file, piece, done));
        }
        bytes += piece.length;
      }
    } finally {
      closeSync(file);
    }
    writing(path, () => renameSync(temporary, path));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    notice({ kind: "done", path: temporary });
  }
  return bytes;
}
