/** A folder that is being written, beside its place: under its own name there is only ever a whole one. */
import { randomUUID } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { LinkError } from "./errors.js";

/** Folders of these names are left by a process that was killed. */
export const PARTIAL = /^\.pymalloc-[0-9a-f]{8}\.partial$/;

/** A new one. */
export function partialName(): string {
  return `.pymalloc-${randomUUID().slice(0, 8)}.partial`;
}

/** Does what the system may refuse. @throws LinkError with its reason */
function attempt<T>(output: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof LinkError) throw error;
    throw new LinkError(`${output} can't be written: ${(error as Error).message}`);
  }
}

function requireFree(output: string): void {
  // A link that leads nowhere is in the way, too.
  if (lstatSync(output, { throwIfNoEntry: false }) === undefined) return;
  throw new LinkError(`${output} exists already; link into a folder that does not`);
}

export class PartialFolder {
  readonly path: string;
  readonly #output: string;
  /** Folders that were made for it, the outermost first. */
  readonly #made: string[] = [];

  /**
   * Makes the folder, so that what is in the way is found before there is anything to put into it.
   *
   * @param output the name that it will have
   * @param onPartial told of the folder before it is made
   * @throws LinkError when there is something of that name, or nothing can be written there
   */
  constructor(output: string, onPartial: (path: string) => void) {
    this.#output = output;
    const parent = dirname(output);
    this.path = join(parent, partialName());
    try {
      attempt(output, () => {
        requireFree(output);
        onPartial(this.path);
        this.#make(parent);
        mkdirSync(this.path);
      });
    } catch (error) {
      this.discard();
      throw error;
    }
  }

  /** Makes a folder and those around it, one by one: Node's `recursive` tries for ever where none can be, as in /proc. */
  #make(folder: string): void {
    if (existsSync(folder)) return;
    this.#make(dirname(folder));
    mkdirSync(folder);
    this.#made.push(folder);
  }

  /** Fills the folder, and gives it its name. @throws LinkError; then nothing is there */
  finish(fill: (path: string) => void): void {
    attempt(this.#output, () => {
      fill(this.path);
      requireFree(this.#output);
      renameSync(this.path, this.#output);
    });
  }

  /** Removes it, unless it has its name, and the folders around it that nothing is in. */
  discard(): void {
    try {
      rmSync(this.path, { recursive: true, force: true });
      for (const folder of this.#made.reverse()) rmdirSync(folder);
    } catch {
      // There is something in it, or it could not even be made.
    }
  }
}
