/** Linked Pyodides in the user's cache folder, so that each is linked once. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { linkerMark, modules } from "../src/generated/modules.js";
import { layoutMark } from "../src/root.js";
import { link, readPyodide } from "./folder.js";
import type { Progress } from "./link.js";

function cacheFolder(): string {
  const { env, platform } = process;
  const own = {
    win32: () => env["LOCALAPPDATA"] ?? join(homedir(), "AppData", "Local"),
    darwin: () => join(homedir(), "Library", "Caches"),
  }[platform as string];
  return join(env["XDG_CACHE_HOME"] || (own?.() ?? join(homedir(), ".cache")), "pymalloc");
}

/**
 * A linked copy of a Pyodide's folder, from the cache or made for it. It is found by the content of the program and of
 * what is linked into it.
 *
 * @param pyodide as in `link`
 * @returns the path of the copy
 * @throws LinkError as `link` does
 */
export async function cachedLink(pyodide: string, onProgress?: Progress): Promise<string> {
  const { program, glue, version } = readPyodide(pyodide);
  const hash = createHash("sha256").update(program).update(glue);
  // The layout also has numbers that only JavaScript reads, and a heap is bound to all of them.
  hash.update(modules.linked).update(linkerMark).update(String(layoutMark));
  const name = `pyodide-${version}-${hash.digest("hex").slice(0, 16)}`;
  const output = join(cacheFolder(), name);
  if (existsSync(output)) return output;
  try {
    await link({ pyodide, output, ...(onProgress === undefined ? {} : { onProgress }) });
  } catch (error) {
    // Another process may have been faster.
    if (!existsSync(output)) throw error;
  }
  return output;
}
