/**
 * The stock Pyodide as several programs, which differ by empty custom sections behind them. Of the same bytes V8 has one
 * program for all interpreters, and compiles its functions by what they call in all of them: so it is slower than one that an
 * interpreter has for itself, as the linked one is. (On a page, three with three allocators take 42 ms for
 * `pure/loops`, where one alone takes 32; `richards` takes 45 and 41 on Node 26.)
 */
import { appendFileSync, cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pyodideFolder } from "../interpreter/interpreter.js";

/** What comes behind the program, so that it is the one of this number. */
export function sectionsOf(number: number): Uint8Array {
  const emptySection = [0, 1, 0];
  return Uint8Array.from(Array(number).fill(emptySection).flat());
}

const copies = new Map<number, string>();

/** The folder of a stock Pyodide with the program of this number; it is there until this process ends. */
export function stockFolder(number: number): string {
  if (number === 0) return pyodideFolder();
  const known = copies.get(number);
  if (known !== undefined) return known;
  const copy = mkdtempSync(join(tmpdir(), "pymalloc-stock-"));
  process.on("exit", () => rmSync(copy, { recursive: true, force: true }));
  cpSync(pyodideFolder(), copy, { recursive: true });
  appendFileSync(join(copy, "pyodide.asm.wasm"), sectionsOf(number));
  copies.set(number, copy);
  return copy;
}
