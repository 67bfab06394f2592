/** Linked interpreters for tests, linked once a build. */
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { cachedLink } from "../../link/cache.js";
import { loadFrom, type Pyodide } from "./pyodide.js";

process.env["XDG_CACHE_HOME"] = fileURLToPath(new URL("../../build/cache", import.meta.url));

/** Every line that is linked, by the names of its packages here. */
export const LINKED_VERSIONS = ["pyodide", "pyodide-029", "pyodide-028", "pyodide-027"];

const require = createRequire(import.meta.url);

export function folderOf(name: string): string {
  return dirname(require.resolve(`${name}/package.json`));
}

export function linkedFolder(name: string): Promise<string> {
  return cachedLink(folderOf(name));
}

export async function loadLinked(
  name: string,
  pythonMalloc?: string,
  options: object = {},
): Promise<Pyodide> {
  return await loadFrom(await linkedFolder(name), pythonMalloc, options);
}
