/** A folder that is being written, beside its place: under its own name there is only ever a whole one. */
import { randomUUID } from "node:crypto";
import { lstatSync, mkdirSync, renameSync, rmSync } from "node:fs";
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
  /** The outermost folder that was made for it. */
  readonly #made: string;

  /**
   * Makes the folder, so that what is in the way is found before there is anything to put into it.
   *
   * @param output the name that it will have
   * @param onPartial told of what is about to be made
   * @throws LinkError when there is something of that name, or nothing can be written there
   */
  constructor(output: string, onPartial: (path: string) => void) {
    this.#output = output;
    const parent = dirname(output);
    this.path = join(parent, partialName());
    this.#made = attempt(output, () => {
      requireFree(output);
      let outermost = this.path;
      for (let at = parent; !lstatSync(at, { throwIfNoEntry: false }); at = dirname(at)) {
        outermost = at;
      }
      onPartial(outermost);
      mkdirSync(this.path, { recursive: true });
      return outermost;
    });
  }

  /** Fills the folder, and gives it its name. @throws LinkError; then nothing is there */
  finish(fill: (path: string) => void): void {
    attempt(this.#output, () => {
      fill(this.path);
      requireFree(this.#output);
      renameSync(this.path, this.#output);
    });
  }

  /** Removes it, unless it has its name. */
  discard(): void {
    rmSync(this.path, { recursive: true, force: true });
    const isEmpty = lstatSync(this.#output, { throwIfNoEntry: false }) === undefined;
    if (isEmpty) rmSync(this.#made, { recursive: true, force: true });
  }
}
