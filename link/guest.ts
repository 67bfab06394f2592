/** A guest in, the same with the core compiled in out: it needs no host any more. */
import type Binaryen from "binaryen";
import { readGuest } from "../src/guests/guests.js";
import {
  type Api,
  exportsOf,
  functionsOf,
  globalsOf,
  importBinaryen,
  read,
  shared,
} from "./bind.js";
import { LinkError } from "./errors.js";
import { withOwnMemory, withTableEntries } from "./guest-binary.js";
import { guestCore, inTable, knownFunctions, MODULE, needsOf, placesFor } from "./guest-core.js";
import { checkGuest } from "./guest-place.js";
import { compileProgram } from "./program.js";

/** What `linkGuest` takes besides the guest. */
export interface LinkGuestOptions {
  /** Debug hooks are in place from the first allocation on, as in a CPython that was configured --with-pydebug. Default false. */
  readonly withPydebug?: boolean;
}

/** What a guest imports of ours. @throws LinkError where that is nothing, or something that there is not */
function importsOf(binaryen: Api, bytes: Uint8Array): ReadonlySet<string> {
  const module = compileProgram(bytes);
  if (WebAssembly.Module.exports(module).some(({ name }) => name === "pymalloc_root")) {
    throw new LinkError("it was linked with pymalloc before");
  }
  const ours = WebAssembly.Module.imports(module).filter((one) => one.module === MODULE);
  if (ours.length === 0) {
    throw new LinkError(
      'it imports nothing from "pymalloc": compile include/pymalloc_malloc.c with it, or call what pymalloc.h declares',
    );
  }
  const known = knownFunctions(binaryen);
  const unknown = ours.filter(({ name, kind }) => kind !== "function" || !known.has(name));
  if (unknown.length > 0) {
    const names = unknown.map(({ name }) => JSON.stringify(`${MODULE}.${name}`)).join(", ");
    throw new LinkError(`it imports ${names}, expected functions of pymalloc.h`);
  }
  return new Set(ours.map(({ name }) => name));
}

/** What the guest calls what it imports of ours. */
function callsOf(binaryen: Api, program: Binaryen.Module): Readonly<Record<string, string>> {
  const ours = functionsOf(binaryen, program).filter(({ module }) => module === MODULE);
  return Object.fromEntries(ours.map(({ name, base }) => [base, name]));
}

/**
 * Puts the functions and globals of the core into the guest, some of them into the place of what it imports.
 * @throws LinkError for an import of another type
 */
function insert(binaryen: Api, program: Binaryen.Module, core: Binaryen.Module): void {
  for (const { name, type, mutable, init } of globalsOf(binaryen, core)) {
    program.addGlobal(name, type, mutable, program.copyExpression(init));
  }
  for (const { name, base, params, results, vars, body } of functionsOf(binaryen, core)) {
    if (base) continue;
    const there = program.getFunction(name);
    if (there !== 0) {
      const wanted = binaryen.getFunctionInfo(there);
      if (params !== wanted.params || results !== wanted.results) {
        throw new LinkError(
          `it imports "${MODULE}.${wanted.base}" with another type than pymalloc.h declares`,
        );
      }
      program.removeFunction(name);
    }
    program.addFunction(name, params, results, vars, program.copyExpression(body));
  }
}

/** What happens when the guest is instantiated: ours first, then its own start function. */
function addStart(
  binaryen: Api,
  program: Binaryen.Module,
  core: Binaryen.Module,
  start: string,
): void {
  const { none } = binaryen;
  const nameOf = (func: number) => (func === 0 ? [] : [binaryen.getFunctionInfo(func).name]);
  // The core's own gives its globals their values.
  const names = [...nameOf(core.getStart()), start, ...nameOf(program.getStart())];
  const calls = names.map((name) => program.call(name, [], none));
  const name = "pymalloc/start";
  program.addFunction(name, none, none, [], program.block(null, calls));
  program.setStart(program.getFunction(name));
}

/** The guest's bytes, with the functions' names where it has names. */
function emit(binaryen: Api, program: Binaryen.Module, withNames: boolean): Uint8Array {
  const before = binaryen.getDebugInfo();
  binaryen.setDebugInfo(withNames);
  try {
    return program.emitBinary();
  } finally {
    binaryen.setDebugInfo(before);
  }
}

/**
 * Links the core into a guest, a program that was written to `include/pymalloc.h`: it has its memory and its heap itself then, and runs
 * wherever WebAssembly does, without this library.
 *
 * @param guest the content of the guest's file
 * @returns the content of the linked one; it exports its memory as "memory"
 * @throws LinkError for what is no guest, or can't be linked
 */
export async function linkGuest(
  guest: Uint8Array,
  { withPydebug = false }: LinkGuestOptions = {},
): Promise<Uint8Array> {
  const description = readGuest(guest);
  if (description.memory !== undefined) checkGuest(description);
  const binaryen = await importBinaryen();
  const imported = importsOf(binaryen, guest);
  checkGuest(description);
  const needs = needsOf(imported, withPydebug);
  const place = placesFor(description, needs);
  const entries = Object.values(inTable(needs));
  const callsTable = entries.length > 0 || imported.has("PyType_Ready");
  const owner = withOwnMemory(guest, place.pages);
  const [bytes, table] = callsTable ? withTableEntries(owner, entries.length) : [owner, 0];
  const program = read(binaryen, bytes);
  const core = guestCore(binaryen, callsOf(binaryen, program), needs, place, table);
  try {
    const ours = exportsOf(binaryen, core);
    insert(binaryen, program, core);
    if (entries.length > 0) {
      const names = entries.map((name) => ours.get(name) as string);
      program.addActiveElementSegment(
        shared.table,
        "pymalloc/table",
        names,
        program.i32.const(table),
      );
    }
    addStart(binaryen, program, core, ours.get("start") as string);
    program.addGlobal("pymalloc/root", binaryen.i32, false, program.i32.const(place.root));
    program.addGlobalExport("pymalloc/root", "pymalloc_root");
    program.runPasses(["strip-dwarf"]);
    return emit(binaryen, program, description.functionNames.size > 0);
  } finally {
    core.dispose();
    program.dispose();
  }
}
