/** Linked interpreters for tests, linked once a build. */
import { fileURLToPath } from "node:url";
import { cachedLink } from "../../link/cache.js";
import { locked } from "./once.js";
import { folderOf, type LoadOptions, loadFrom, type Pyodide } from "./pyodide.js";

const cache = fileURLToPath(new URL("../../build/cache", import.meta.url));
process.env["XDG_CACHE_HOME"] = cache;

/** Every line that is linked, by the names of its packages here. */
export const LINKED_VERSIONS = ["pyodide", "pyodide-029", "pyodide-028", "pyodide-027"];

const folders = new Map<string, Promise<string>>();

function folderWith(name: string, withPydebug: boolean): Promise<string> {
  const key = withPydebug ? `${name}-pydebug` : name;
  const folder =
    folders.get(key) ??
    locked(`${cache}/link-${key}.lock`, () => cachedLink(folderOf(name), { withPydebug }));
  folders.set(key, folder);
  return folder;
}

/** The folder of a linked Pyodide, which one process makes while the others wait. */
export function linkedFolder(name: string): Promise<string> {
  return folderWith(name, false);
}

/** The same, linked `--with-pydebug`. */
export function pydebugFolder(name: string): Promise<string> {
  return folderWith(name, true);
}

export async function loadLinked(
  name: string,
  pythonMalloc?: string,
  options: LoadOptions = {},
): Promise<Pyodide> {
  return await loadFrom(await linkedFolder(name), pythonMalloc, options);
}
