/** A Pyodide as it is installed: the files in its folder that linking reads. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { LinkError } from "./errors.js";

export const PROGRAM = "pyodide.asm.wasm";

/** The JavaScript of the program; its ending has changed with Pyodide 314. */
const GLUES = ["pyodide.asm.mjs", "pyodide.asm.js"];

/** Of the oldest Pyodide that is known, 0.27: the program's exports were others before. */
const FIRST_MINOR = 27;

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

/** @throws LinkError that names the path, where there is no Pyodide that is supported, or where it can't be read */
export function readPyodide(path: string): PyodideFolder {
  try {
    return findPyodide(path);
  } catch (error) {
    if (error instanceof LinkError) throw error;
    throw new LinkError(`${path} can't be read: ${(error as Error).message}`);
  }
}

function findPyodide(path: string): PyodideFolder {
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
  const version = versionOf(folder);
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major === 0 && minor < FIRST_MINOR) {
    const expected = `expected 0.${FIRST_MINOR} or newer`;
    throw new LinkError(`${folder}: Pyodide ${version} is not supported, ${expected}`);
  }
  return {
    folder,
    program: new Uint8Array(readFileSync(file)),
    glue: readFileSync(join(folder, glueName), "utf8"),
    glueName,
    version,
  };
}
