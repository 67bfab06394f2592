/**
 * Which program a memory snapshot belongs to. Pyodide writes its BUILD_ID into each snapshot (src/js/snapshot.ts) and compares
 * it with its own before it restores one: a snapshot has the addresses and table indices of one program, and in any other it
 * runs wild. A linked program is another program, so it gets another number.
 *
 * The number is a literal in `pyodide.mjs` and `pyodide.js`, which hand it to the program's JavaScript. But a page may have
 * bundled Pyodide's own `pyodide.mjs` and only take the rest from the linked folder. So the program's JavaScript knows the number
 * as well, for a program that was linked: up to Pyodide 0.29 the first that a page has loaded serves every program of it.
 */
import { createHash } from "node:crypto";

/** What hands the number on. */
export const LOADERS = ["pyodide.mjs", "pyodide.js"];

const LITERAL = /(\bBUILD_ID:\s*["'])[0-9a-f]{64}(?=["'])/g;
const TOLD = /\bAPI\.config\.BUILD_ID\b/g;
const IS_LINKED = "Module.LDSO.loadedLibsByName.__main__.exports.pymalloc_root";

/** The number of a program with its JavaScript, 64 hexadecimal digits as Pyodide's. */
export function buildIdOf(program: Uint8Array, glue: string): string {
  return createHash("sha256").update(program).update(glue).digest("hex");
}

/** `pyodide.mjs` or `pyodide.js` with this number. */
export function loaderWith(id: string, loader: string): string {
  return loader.replace(LITERAL, `$1${id}`);
}

/** The program's JavaScript with this number for the linked program, whatever it is told. */
export function glueWith(id: string, glue: string): string {
  return glue.replace(TOLD, (told) => `(${IS_LINKED}?"${id}":${told})`);
}
