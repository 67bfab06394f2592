/** Pyodide as the user installed it: seen from the current directory, else from here. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { cachedLink } from "../link/cache.js";
import { LinkError } from "../link/errors.js";
import { UsageError } from "./errors.js";

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

/** The module that exports `loadPyodide`. @throws UsageError where Pyodide is not installed */
export async function importPyodide<T>(folder = pyodideFolder()): Promise<T> {
  return await import(pathToFileURL(join(folder, "pyodide.mjs")).href);
}

/** The folder of the installed Pyodide with pymalloc linked in, which is made where the user's cache has none. */
export async function linkedPyodideFolder(onStep?: (step: string) => void): Promise<string> {
  try {
    return await cachedLink(pyodideFolder(), onStep);
  } catch (error) {
    throw error instanceof LinkError ? new UsageError(error.message) : error;
  }
}
