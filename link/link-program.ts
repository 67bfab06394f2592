/** Linking: a Pyodide's program in, the same with pymalloc out. */

import { importBinaryen } from "./bind.js";
import { LinkError } from "./errors.js";
import { graft } from "./graft.js";
import { checkLimitBytes } from "./limit.js";
import { addressOf, compileProgram, functionOf, instantiateProgram } from "./program.js";
import { survey } from "./survey.js";

/** Told what is being done. */
export type Progress = (step: string) => void;

/** Runs the linked program up to its first allocations, and looks where they are. */
function tryOut(bytes: Uint8Array, glue: string): void {
  const program = instantiateProgram(bytes, compileProgram(bytes), glue);
  try {
    functionOf<() => void>(program, "__wasm_call_ctors")();
  } catch (error) {
    // After ours come the program's own constructors, which may need more than is here.
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
  }
  const malloc = functionOf<(bytes: number) => number>(program, "PyObject_Malloc");
  const free = functionOf<(p: number) => void>(program, "PyObject_Free");
  const [one, other] = [malloc(40), malloc(40)] as const;
  free(other);
  if (other !== one + 40 || one < addressOf(program, "pymalloc_root") || malloc(40) !== other) {
    throw new LinkError("the linked program does not allocate as it should; please report this");
  }
}

/**
 * Links pymalloc into the program of a Pyodide. Takes some seconds.
 *
 * @param program the content of `pyodide.asm.wasm`
 * @param glue the content of the JavaScript beside it (`pyodide.asm.mjs`; up to 0.29 `pyodide.asm.js`)
 * @param limitBytes where the heap is to end at the latest; 0 (the default) for no limit
 * @param withPydebug are the debug modes to be pymalloc's own, and the default? false where it is left out
 * @returns the content of a `pyodide.asm.wasm` to be used in its place; less than 18 KB longer, and with the debug heap than 40 KB
 * @throws LinkError for a program that is none of a Pyodide's or was linked before, or where Binaryen is not installed
 */
export async function linkProgram(
  program: Uint8Array,
  glue: string,
  progress: Progress = () => {},
  limitBytes = 0,
  withPydebug = false,
): Promise<Uint8Array> {
  if (limitBytes !== 0) checkLimitBytes(limitBytes, withPydebug);
  progress("looking the program over");
  const found = survey(program, glue, withPydebug);
  const binaryen = await importBinaryen();
  progress("linking");
  const linked = graft(binaryen, program, found, { limitBytes, withPydebug });
  progress("trying it out");
  tryOut(linked, glue);
  return linked;
}
