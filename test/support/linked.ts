/** Linked interpreters for tests, linked once a build. */
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { cachedLink } from "../../link/cache.js";
import { locked } from "./once.js";
import { folderOf, type LoadOptions, type Pyodide, restoreFrom, startFrom } from "./pyodide.js";

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

/** One that is started from nothing. */
export async function startLinked(
  name: string,
  pythonMalloc?: string,
  options: LoadOptions = {},
): Promise<Pyodide> {
  return await startFrom(await linkedFolder(name), pythonMalloc, options);
}

/** The same from a snapshot that is kept. */
export async function loadLinked(name: string, pythonMalloc?: string): Promise<Pyodide> {
  const folder = await linkedFolder(name);
  return await restoreFrom(folder, `linked-${basename(folder)}`, pythonMalloc);
}
