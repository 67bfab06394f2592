/**
 * Snapshots that are taken in the middle of a program: its memory is copied, which takes a moment, and the thread that listens
 * makes the file of the copy, while the program goes on.
 */
import { existsSync } from "node:fs";
import { parse } from "node:path";
import { writePymem } from "../inspect/formats/formats.js";
import { captureImage, type ImageMarks, imageOf, takeSnapshot } from "../inspect/inspect.js";
import { javascriptMarks } from "../inspect/python/python.js";
import {
  megabytes,
  notice,
  printable,
  supervision,
  tell,
  temporaryName,
  UsageError,
  writeWhole,
} from "../process/process.js";
import type { PyodideLike } from "../python/python.js";

const formats = ["pymem", "heapsnapshot"] as const;

/** `pymem` is the memory itself, compressed; `heapsnapshot` is for the DevTools of browsers. */
export type SnapshotFormat = (typeof formats)[number];

/** The format that is asked for, else that of the name's ending. @throws UsageError where that is none */
export function readFormat(path: string, option: string | undefined): SnapshotFormat {
  const ending = option ?? parse(path).ext.slice(1);
  const format = formats.find((name) => name === ending);
  if (format !== undefined) return format;
  throw new UsageError(
    option === undefined
      ? `${path} ends neither in .pymem nor in .heapsnapshot; --format chooses one of them`
      : `--format: ${JSON.stringify(option)} is neither pymem nor heapsnapshot`,
  );
}

/** What the thread that listens is asked for. */
interface Task {
  readonly path: string;
  readonly format: SnapshotFormat;
  readonly moment: string;
  readonly marks: ImageMarks;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Makes the file of a snapshot, and tells of it. @throws UsageError where it can't be written */
export async function writeSnapshot(task: unknown): Promise<void> {
  const { path, format, moment, marks, bytes } = task as Task;
  const image = imageOf(marks, bytes);
  // The memory alone needs no look into it, so that of a crash comes into a file as it is.
  const pieces = format === "pymem" ? writePymem(image) : takeSnapshot(image).toHeapSnapshot();
  const written = await writeWhole(path, pieces);
  const size = `${megabytes(written)}, of ${megabytes(bytes.length)} of memory`;
  tell(`${printable(path)}: ${size} ${printable(moment)}\n`);
}

/** The first of `name-1.pymem`, `name-2.pymem`, ... that is not there. */
function freeName(path: string, from: number): { readonly path: string; readonly number: number } {
  const { dir, name, ext } = parse(path);
  const prefix = path.slice(0, path.length - name.length - ext.length);
  for (let number = from; ; number++) {
    const free = `${dir === "" ? "" : prefix}${name}-${number}${ext}`;
    if (!existsSync(free)) return { path: free, number };
  }
}

/** Takes snapshots of one interpreter. Nothing is thrown in the middle of the program: `finish` tells what went wrong. */
export class SnapshotTaker {
  readonly #path: string;
  readonly #format: SnapshotFormat;
  readonly #pyodide: () => PyodideLike;
  #kept: Omit<Task, "path" | "format"> | undefined;
  /** The last number of a file. */
  #last = 0;
  #failure: unknown;

  /** @param pyodide the interpreter, which is there when the first is taken */
  constructor(path: string, format: SnapshotFormat, pyodide: () => PyodideLike) {
    this.#path = path;
    this.#format = format;
    this.#pyodide = pyodide;
  }

  /** Is there one that has not gone into a file? */
  get keeps(): boolean {
    return this.#kept !== undefined;
  }

  /** Takes one and keeps it, instead of the one before. @param moment when that was, for the message */
  take(moment: string): void {
    // Let go first: there would be three times the memory.
    this.#kept = undefined;
    try {
      const pyodide = this.#pyodide();
      const border = javascriptMarks(pyodide, "snapshot");
      const { marks, u8 } = captureImage(pyodide, { copy: true, ...border }, "snapshot");
      this.#kept = { moment, marks, bytes: u8 as Uint8Array<ArrayBuffer> };
    } catch (error) {
      this.#failure ??= error;
    }
  }

  /** Takes one into a file of its own, beside the one that was named: there may be many. */
  takeNumbered(moment: string): void {
    const kept = this.#kept;
    const { path, number } = freeName(this.#path, this.#last + 1);
    this.#last = number;
    this.take(moment);
    void this.#send(path);
    this.#kept = kept;
  }

  async #send(path: string): Promise<void> {
    if (this.#kept === undefined) return;
    const task: Task = { path, format: this.#format, ...this.#kept };
    this.#kept = undefined;
    if (supervision === undefined) return await writeSnapshot(task);
    // Whoever writes it may be stopped in the middle.
    notice({ kind: "leftover", path: temporaryName(path) });
    notice({ kind: "task", task }, [task.bytes.buffer]);
  }

  /** Has what is kept written. @throws what went wrong in the middle of the program */
  async finish(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await this.#send(this.#path);
  }
}
