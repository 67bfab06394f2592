/** Pyodide as the user installed it: seen from the current directory, else from here. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { cachedLink, LinkError } from "../link/link.js";
import { notice, reasonOf, UsageError } from "../process/process.js";

/** The path of a file of an installed package; undefined where it is not installed. */
export function findFile(name: string): string | undefined {
  for (const from of [join(process.cwd(), "x.js"), import.meta.url]) {
    try {
      return createRequire(from).resolve(name);
    } catch {
      // not seen from there
    }
  }
  return undefined;
}

/** @throws UsageError where Pyodide is not installed */
export function pyodideFile(name: string): string {
  const found = findFile(`pyodide/${name}`);
  if (found !== undefined) return found;
  throw new UsageError("Pyodide is not installed here; install it with: npm install pyodide");
}

/** The folder of the installed Pyodide. @throws UsageError where it is not installed */
export function pyodideFolder(): string {
  return dirname(pyodideFile("pyodide.mjs"));
}

interface PyodideModule<T> {
  loadPyodide(options: { env: Record<string, string>; indexURL: string }): Promise<T>;
}

/**
 * An interpreter with these variables, of the Pyodide in a folder; else of the installed one.
 * @throws UsageError where none is installed, or where it does not start
 */
export async function loadPyodide<T>(
  env: Record<string, string>,
  folder = pyodideFolder(),
): Promise<T> {
  try {
    const module: PyodideModule<T> = await import(pathToFileURL(join(folder, "pyodide.mjs")).href);
    // Where it is, it finds out by itself in Node only.
    return await module.loadPyodide({ env, indexURL: folder });
  } catch (error) {
    const expected = "expected an undamaged one of 0.27 or newer";
    throw new UsageError(
      `the Pyodide in ${folder} does not start (${reasonOf(error)}); ${expected}`,
    );
  }
}

/** The folder of the installed Pyodide with pymalloc linked in, which is made where the user's cache has none. */
export async function linkedPyodideFolder(onStep?: (step: string) => void): Promise<string> {
  return await tellingLeftovers((onPartial) =>
    cachedLink(pyodideFolder(), { onProgress: onStep ?? (() => {}), onPartial }),
  );
}

/** Links, and tells the supervisor of what is half-written meanwhile. @throws UsageError instead of LinkError */
export async function tellingLeftovers<T>(
  work: (onPartial: (path: string) => void) => Promise<T>,
): Promise<T> {
  const paths: string[] = [];
  try {
    return await work((path) => {
      paths.push(path);
      notice({ kind: "leftover", path });
    });
  } catch (error) {
    throw error instanceof LinkError ? new UsageError(error.message) : error;
  } finally {
    for (const path of paths) notice({ kind: "done", path });
  }
}
