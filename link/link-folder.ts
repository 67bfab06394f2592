/** A Pyodide's folder in, a copy of it with pymalloc linked in out. */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { requireOptions } from "../base/base.js";
import { buildIdOf, glueWith, LOADERS, loaderWith } from "./build-id.js";
import { LinkError } from "./errors.js";
import { checkInitialBytes, withInitialBytes, withLeastBytes } from "./initial-memory.js";
import { checkLimitBytes, glueWithLimit } from "./limit.js";
import { linkProgram, type Progress } from "./link-program.js";
import { requireSwitch } from "./options.js";
import { PartialFolder } from "./partial.js";
import { PROGRAM, type PyodideFolder, readPyodide } from "./pyodide-folder.js";
import { stdlibWithPymalloc } from "./stdlib.js";

const STDLIB = "python_stdlib.zip";

/**
 * How long the memory is at its start with the debug heap, whose books make it grow beyond Pyodide's 30 MiB before Python's first line:
 * a memory snapshot of it could not be restored.
 */
const PYDEBUG_BYTES = 96 * 2 ** 20;

/** What `link` takes. */
export interface LinkOptions {
  /** The folder of an installed Pyodide (as of the npm package), or the `pyodide.asm.wasm` in it. */
  readonly pyodide: string;
  /** The folder to write; there must be nothing of that name yet. */
  readonly output: string;
  /** The configure switch: false copies the folder as it is. Default true. */
  readonly withPymalloc?: boolean;
  /**
   * How long the memory of the linked program is at its start, in bytes, rounded up to pages of 64 KiB; at least what it is (30
   * MiB; with `withPydebug` the default is 96 MiB), at most 4 GiB. Since Pyodide 314 a memory snapshot of a heap that has grown beyond that can't be restored.
   */
  readonly initialBytes?: number;
  /**
   * How long the memory of the linked program may become, in bytes: from 32 MiB on (with `withPydebug` from 48), rounded down to pages
   * of 4 KiB. Beyond it Python gets a MemoryError. By default there is no limit but WebAssembly's, 4 GiB. (`install` can set another one at run time.)
   */
  readonly limitBytes?: number;
  /**
   * The configure switch for debugging: PYTHONMALLOC's debug modes are pymalloc's own debug heap, with no JavaScript needed, and
   * `debug` is the default. Default false.
   */
  readonly withPydebug?: boolean;
  /** Told of each step. */
  readonly onProgress?: Progress;
  /**
   * Told of the folder in which the copy grows, before it is made, for whoever ends the process in the middle and removes it
   * then. It is there no more when `link` returns or throws.
   */
  readonly onPartial?: (path: string) => void;
}

const OPTIONS: readonly (keyof LinkOptions)[] = [
  "pyodide",
  "output",
  "withPymalloc",
  "withPydebug",
  "initialBytes",
  "limitBytes",
  "onProgress",
  "onPartial",
];

/** What `link` has done. */
export interface LinkReport {
  /** Absolute path of the folder that was written. */
  readonly output: string;
  /** Of the Pyodide, as its package or its lock file says; `"unknown"` where neither does. */
  readonly pyodide: string;
  /** Is pymalloc in it now? */
  readonly withPymalloc: boolean;
  /** And its debug heap? */
  readonly withPydebug: boolean;
  /** Length of `pyodide.asm.wasm` before. */
  readonly bytesBefore: number;
  /** Length of `pyodide.asm.wasm` after. */
  readonly bytesAfter: number;
  /** How long it took. */
  readonly seconds: number;
}

/** Files by their names in the folder, with what they contain. */
type Files = Readonly<Record<string, Uint8Array | string>>;

/** What is another in the copy: the program, and what is said of it elsewhere. */
function linkedFiles(
  { folder, glue, glueName }: PyodideFolder,
  program: Uint8Array,
  limitBytes: number | undefined,
): Files {
  const id = buildIdOf(program, glue);
  const files: Record<string, Uint8Array | string> = {
    [PROGRAM]: program,
    [glueName]: glueWith(id, limitBytes === undefined ? glue : glueWithLimit(glue)),
  };
  for (const name of LOADERS.filter((name) => existsSync(join(folder, name)))) {
    files[name] = loaderWith(id, readFileSync(join(folder, name), "utf8"));
  }
  const stdlib = join(folder, STDLIB);
  const told = existsSync(stdlib) ? stdlibWithPymalloc(readFileSync(stdlib)) : undefined;
  return told === undefined ? files : { ...files, [STDLIB]: told };
}

/** Copies a folder, with some other files in it. */
function fill(partial: string, folder: string, files: Files): void {
  cpSync(folder, partial, { recursive: true, dereference: true });
  for (const [name, content] of Object.entries(files)) {
    // Not into the file that was copied: it may not be writable.
    rmSync(join(partial, name));
    writeFileSync(join(partial, name), content);
  }
}

/** Why a Pyodide can't be linked. What is damaged can go wrong anywhere on the way. */
function notLinked(pyodide: string, error: unknown): LinkError {
  if (error instanceof LinkError) return new LinkError(`${pyodide}: ${error.message}`);
  const reason = String((error as { message?: unknown } | undefined)?.message ?? error);
  const line = reason.split("\n")[0];
  return new LinkError(`${pyodide}: it can't be linked (${line}); is it damaged?`);
}

async function linkedProgram(
  { program, glue }: PyodideFolder,
  { initialBytes, limitBytes, withPydebug = false, onProgress = () => {} }: LinkOptions,
): Promise<Uint8Array> {
  if (initialBytes !== undefined) checkInitialBytes(program, initialBytes);
  if (limitBytes !== undefined) checkLimitBytes(limitBytes, withPydebug);
  const linked = await linkProgram(program, glue, onProgress, limitBytes, withPydebug);
  if (initialBytes !== undefined) return withInitialBytes(linked, initialBytes);
  return withPydebug
    ? withLeastBytes(linked, Math.min(PYDEBUG_BYTES, limitBytes ?? PYDEBUG_BYTES))
    : linked;
}

/**
 * Links pymalloc into a copy of a Pyodide's folder, which is then served in the place of the original. The original
 * is not touched. Takes some seconds.
 *
 * @throws LinkError that says what is wrong with the folders, or why this Pyodide can't be linked; nothing is written then
 * @throws TypeError that names an unknown option, or one that is no switch
 */
export async function link(options: LinkOptions): Promise<LinkReport> {
  return await linkWith(options, () => {});
}

/** The same, with something more in the copy: `complete` is called with it when all else is there. */
export async function linkWith(
  options: LinkOptions,
  complete: (partial: string) => void,
): Promise<LinkReport> {
  requireOptions(options, OPTIONS, "link");
  requireSwitch("withPymalloc", options.withPymalloc, "link");
  requireSwitch("withPydebug", options.withPydebug, "link");
  const { pyodide, withPymalloc = true, withPydebug = false } = options;
  const { initialBytes, limitBytes } = options;
  const { onProgress = () => {}, onPartial = () => {} } = options;
  const started = performance.now();
  if (options.output === "") throw new LinkError('the output is "", expected a folder\'s name');
  const output = resolve(options.output);
  const original = readPyodide(pyodide);
  const { folder, program, version } = original;
  const inside = relative(folder, output);
  if (inside.split(sep)[0] !== "..") {
    throw new LinkError(`${output} is inside of ${folder}, expected a folder beside it`);
  }
  for (const [name, value] of Object.entries({ initialBytes, limitBytes, withPydebug })) {
    if (value === undefined || value === false || withPymalloc) continue;
    throw new LinkError(`${name} is for a program that pymalloc is linked into`);
  }
  const partial = new PartialFolder(output, onPartial);
  try {
    const linked = withPymalloc
      ? await linkedProgram(original, options).catch((error: unknown) => {
          throw notLinked(pyodide, error);
        })
      : program;
    onProgress(`copying ${folder}`);
    const files = withPymalloc ? linkedFiles(original, linked, limitBytes) : {};
    partial.finish((path) => {
      fill(path, folder, files);
      complete(path);
    });
    return {
      ...{ output, pyodide: version, withPymalloc, withPydebug },
      ...{ bytesBefore: program.length, bytesAfter: linked.length },
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    partial.discard();
  }
}
