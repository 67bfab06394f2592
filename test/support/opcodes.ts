/** Counts the instructions of functions in a large program. */
import binaryen from "binaryen";
import { findSection, readNumber, unsignedBytes, withContent } from "../../link/sections.js";
import { tally } from "./golden.js";

const EXPORT_SECTION = 7;
const CODE_SECTION = 10;

/** A function that has no locals and does nothing but trap. */
const TRAP = [3, 0, 0x00, 0x0b];

/** The indices of exported functions, by their names. */
function exportedFunctions(program: Uint8Array): Map<string, number> {
  const { start = 0 } = findSection(program, EXPORT_SECTION) ?? {};
  const found = new Map<string, number>();
  let [left, at] = readNumber(program, start);
  for (; left > 0; left--) {
    const [length, from] = readNumber(program, at);
    const [index, end] = readNumber(program, from + length + 1);
    const name = Buffer.from(program.subarray(from, from + length)).toString();
    if (program[from + length] === 0) found.set(name, index);
    at = end;
  }
  return found;
}

/** The program with nothing but traps in its other functions: reading it whole takes many seconds. */
function withOnly(program: Uint8Array, exported: readonly string[]): Uint8Array {
  const indices = exportedFunctions(program);
  const imported = WebAssembly.Module.imports(new WebAssembly.Module(program.slice())).filter(
    ({ kind }) => kind === "function",
  ).length;
  const kept = new Set(exported.map((name) => (indices.get(name) as number) - imported));
  const section = findSection(program, CODE_SECTION);
  if (section === undefined) throw new Error("the program has no code");
  const [count, first] = readNumber(program, section.start);
  const parts: (Uint8Array | readonly number[])[] = [unsignedBytes(count)];
  for (let index = 0, at = first; index < count; index++) {
    const [length, from] = readNumber(program, at);
    parts.push(kept.has(index) ? program.subarray(at, from + length) : TRAP);
    at = from + length;
  }
  return withContent(program, section, parts);
}

/** How often each instruction is there in these exported functions, by their names. */
export function countOpcodes(
  program: Uint8Array,
  exported: readonly string[],
): Record<string, Record<string, number>> {
  const module = binaryen.readBinary(withOnly(program, exported));
  const counts = exported.map((name) => {
    const { value } = binaryen.getExportInfo(module.getExport(name));
    const { body } = binaryen.getFunctionInfo(module.getFunction(value));
    const words = binaryen.emitText(body).matchAll(/\((?!then|else|result|type)([a-z][\w.]*)/g);
    return [name, tally(Array.from(words, ([, opcode]) => opcode as string))] as const;
  });
  module.dispose();
  return Object.fromEntries(counts);
}
