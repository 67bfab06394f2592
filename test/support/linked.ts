/** Linked interpreters for tests, linked once a build. */
import { fileURLToPath } from "node:url";
import { cachedLink } from "../../link/cache.js";
import { folderOf, type LoadOptions, loadFrom, type Pyodide } from "./pyodide.js";

process.env["XDG_CACHE_HOME"] = fileURLToPath(new URL("../../build/cache", import.meta.url));

/** Every line that is linked, by the names of its packages here. */
export const LINKED_VERSIONS = ["pyodide", "pyodide-029", "pyodide-028", "pyodide-027"];

export function linkedFolder(name: string): Promise<string> {
  return cachedLink(folderOf(name));
}

export async function loadLinked(
  name: string,
  pythonMalloc?: string,
  options: LoadOptions = {},
): Promise<Pyodide> {
  return await loadFrom(await linkedFolder(name), pythonMalloc, options);
}
