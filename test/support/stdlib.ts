/**
 * Python's standard library, compiled. Pyodide has only its source, and a start compiles a hundred modules of it: that is most of the
 * time that a start takes. With these files it takes a fifth.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { madeOnce } from "./once.js";

/** Its file in Pyodide's folder. */
export const STDLIB = "python_stdlib.zip";

const cache = fileURLToPath(new URL("../../build/cache/stdlib", import.meta.url));
const compiler = fileURLToPath(new URL("compile-stdlib.mjs", import.meta.url));

/** The path of the compiled library of the Pyodide in a folder: its modules with their source. */
export async function compiledStdlib(folder: string): Promise<string> {
  const source = createHash("sha256").update(readFileSync(join(folder, STDLIB)));
  const file = join(cache, `${source.digest("hex").slice(0, 16)}.zip`);
  return await madeOnce(file, async () => {
    // In a process of its own: the first Pyodide that is loaded may leave its JavaScript to others.
    const options = { encoding: "buffer", maxBuffer: 2 ** 28 } as const;
    const { stdout } = await promisify(execFile)(process.execPath, [compiler, folder], options);
    return stdout;
  });
}
