/** A Pyodide's folder in, a copy of it with pymalloc linked in out. */
import { randomUUID } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { buildIdOf, glueWith, LOADERS, loaderWith } from "./build-id.js";
import { LinkError } from "./errors.js";
import { linkProgram, type Progress } from "./link.js";
import { checkInitialBytes, withInitialBytes } from "./memory.js";
import { stdlibWithPymalloc } from "./stdlib.js";

const PROGRAM = "pyodide.asm.wasm";

/** The JavaScript of the program; its ending has changed with Pyodide 314. */
const GLUES = ["pyodide.asm.mjs", "pyodide.asm.js"];

const STDLIB = "python_stdlib.zip";

export interface LinkOptions {
  /** The folder of an installed Pyodide (as of the npm package), or the `pyodide.asm.wasm` in it. */
  readonly pyodide: string;
  /** The folder to write; there must be nothing of that name yet. */
  readonly output: string;
  /** The configure switch: false copies the folder as it is. Default true. */
  readonly withPymalloc?: boolean;
  /**
   * How long the memory of the linked program is at its start, in bytes, rounded up to pages of 64 KiB; at least what it is (30
   * MiB), at most 4 GiB. Since Pyodide 314 a memory snapshot of a heap that has grown beyond that can't be restored.
   */
  readonly initialBytes?: number;
  /** Told of each step. */
  readonly onProgress?: Progress;
}

export interface LinkReport {
  /** Absolute path of the folder that was written. */
  readonly output: string;
  /** Of the Pyodide, as its package or its lock file says; `"unknown"` where neither does. */
  readonly pyodide: string;
  readonly withPymalloc: boolean;
  /** Lengths of `pyodide.asm.wasm` before and after. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly seconds: number;
}

/** What is needed of a Pyodide's folder. */
export interface PyodideFolder {
  readonly folder: string;
  readonly program: Uint8Array;
  /** The program's JavaScript, and its name in the folder. */
  readonly glue: string;
  readonly glueName: string;
  readonly version: string;
}

function versionOf(folder: string): string {
  for (const [file, read] of [
    ["package.json", (json: { version?: string }) => json.version],
    ["pyodide-lock.json", (json: { info?: { version?: string } }) => json.info?.version],
  ] as const) {
    try {
      const version = read(JSON.parse(readFileSync(join(folder, file), "utf8")));
      if (typeof version === "string") return version;
    } catch {
      // the other one may tell
    }
  }
  return "unknown";
}

/** @throws LinkError that names the path, where there is no Pyodide */
export function readPyodide(path: string): PyodideFolder {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new LinkError(`no such file or folder: ${path}`);
  const folder = resolve(found.isDirectory() ? path : dirname(path));
  const file = found.isDirectory() ? join(folder, PROGRAM) : resolve(path);
  if (basename(file) !== PROGRAM || !existsSync(file)) {
    throw new LinkError(`${path}: expected ${PROGRAM} or the folder of a Pyodide that has it`);
  }
  const glueName = GLUES.find((name) => existsSync(join(folder, name)));
  if (glueName === undefined) {
    throw new LinkError(
      `${folder} has neither ${GLUES.join(" nor ")}, expected the program's JavaScript`,
    );
  }
  return {
    folder,
    program: new Uint8Array(readFileSync(file)),
    glue: readFileSync(join(folder, glueName), "utf8"),
    glueName,
    version: versionOf(folder),
  };
}

/** Files by their names in the folder, with what they contain. */
type Files = Readonly<Record<string, Uint8Array | string>>;

/** What is another in the copy: the program, and what is said of it elsewhere. */
function linkedFiles({ folder, glue, glueName }: PyodideFolder, program: Uint8Array): Files {
  const id = buildIdOf(program, glue);
  const files: Record<string, Uint8Array | string> = {
    [PROGRAM]: program,
    [glueName]: glueWith(id, glue),
  };
  for (const name of LOADERS.filter((name) => existsSync(join(folder, name)))) {
    files[name] = loaderWith(id, readFileSync(join(folder, name), "utf8"));
  }
  const stdlib = join(folder, STDLIB);
  const told = existsSync(stdlib) ? stdlibWithPymalloc(readFileSync(stdlib)) : undefined;
  return told === undefined ? files : { ...files, [STDLIB]: told };
}

/**
 * Copies a folder, with some other files in it. The copy appears when it is whole.
 * @throws LinkError when there is something of its name
 */
function writeCopy(folder: string, output: string, files: Files): void {
  mkdirSync(dirname(output), { recursive: true });
  const partial = `${output}.${randomUUID().slice(0, 8)}`;
  try {
    cpSync(folder, partial, { recursive: true, dereference: true });
    for (const [name, content] of Object.entries(files)) {
      // Not into the file that was copied: it may not be writable.
      rmSync(join(partial, name));
      writeFileSync(join(partial, name), content);
    }
    requireFree(output);
    renameSync(partial, output);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

function requireFree(output: string): void {
  if (!existsSync(output)) return;
  throw new LinkError(`${output} exists already; link into a folder that does not`);
}

async function linkedProgram(
  { program, glue }: PyodideFolder,
  initialBytes: number | undefined,
  onProgress: Progress,
): Promise<Uint8Array> {
  if (initialBytes !== undefined) checkInitialBytes(program, initialBytes);
  const linked = await linkProgram(program, glue, onProgress);
  return initialBytes === undefined ? linked : withInitialBytes(linked, initialBytes);
}

/**
 * Links pymalloc into a copy of a Pyodide's folder, which is then served in the place of the original. The original
 * is not touched. Takes some seconds.
 *
 * @throws LinkError that says what is wrong with the folders, or why this Pyodide can't be linked; nothing is written then
 */
export async function link(options: LinkOptions): Promise<LinkReport> {
  const { pyodide, withPymalloc = true, initialBytes, onProgress = () => {} } = options;
  const started = performance.now();
  const output = resolve(options.output);
  requireFree(output);
  const original = readPyodide(pyodide);
  const { folder, program, version } = original;
  const inside = relative(folder, output);
  if (inside.split(sep)[0] !== "..") {
    throw new LinkError(`${output} is inside of ${folder}, expected a folder beside it`);
  }
  if (initialBytes !== undefined && !withPymalloc) {
    throw new LinkError("initialBytes is for a program that pymalloc is linked into");
  }
  const linked = withPymalloc
    ? await linkedProgram(original, initialBytes, onProgress).catch((error: unknown) => {
        throw error instanceof LinkError ? new LinkError(`${pyodide}: ${error.message}`) : error;
      })
    : program;
  onProgress(`copying ${folder}`);
  writeCopy(folder, output, withPymalloc ? linkedFiles(original, linked) : {});
  return {
    ...{ output, pyodide: version, withPymalloc },
    ...{ bytesBefore: program.length, bytesAfter: linked.length },
    seconds: (performance.now() - started) / 1000,
  };
}
