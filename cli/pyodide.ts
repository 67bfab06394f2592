/** Pyodide as the user installed it: seen from the current directory, else from here. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
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

/** The module that exports `loadPyodide`. @throws UsageError where Pyodide is not installed */
export async function importPyodide<T>(): Promise<T> {
  return await import(pathToFileURL(pyodideFile("pyodide.mjs")).href);
}
