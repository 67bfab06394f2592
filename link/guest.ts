/** A guest in, the same with the core compiled in out: it needs no host any more. */
import type Binaryen from "binaryen";
import { show, typeError } from "../base/base.js";
import { type GuestBinary, readGuest } from "../src/guests/guests.js";
import {
  type Api,
  exportsOf,
  forward,
  functionsOf,
  globalsOf,
  importBinaryen,
  prepare,
  read,
  shared,
} from "./bind.js";
import { LinkError } from "./errors.js";
import { withOwnMemory, withTableEntries } from "./guest-binary.js";
import {
  guestCore,
  inTable,
  knownFunctions,
  MODULE,
  type Needs,
  needsOf,
  ownName,
  placesFor,
  REPORT,
  textsOf,
} from "./guest-core.js";
import { checkGuest } from "./guest-place.js";
import { withData } from "./initial-memory.js";
import { readGuestOptions } from "./options.js";
import { compileProgram } from "./program.js";
import { withoutCustom } from "./sections.js";

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

/**
 * Puts the functions and globals of the core into the guest, some of them into the place of what it imports.
 * @throws LinkError for an import of another type
 */
function insert(binaryen: Api, program: Binaryen.Module, core: Binaryen.Module): void {
  const imports = functionsOf(binaryen, program).filter(({ module }) => module === MODULE);
  const ours = exportsOf(binaryen, core);
  for (const { base, params, results } of imports) {
    const own = binaryen.getFunctionInfo(core.getFunction(ours.get(base as string) as string));
    if (params === own.params && results === own.results) continue;
    throw new LinkError(
      `it imports "${MODULE}.${base}" with another type than pymalloc.h declares`,
    );
  }
  for (const { name, type, mutable, init } of globalsOf(binaryen, core)) {
    program.addGlobal(name, type, mutable, program.copyExpression(init));
  }
  for (const { name, base, params, results, vars, body } of functionsOf(binaryen, core)) {
    // It imports what the guest imports.
    if (base) continue;
    program.addFunction(name, params, results, vars, program.copyExpression(body));
  }
  for (const info of imports) {
    forward(binaryen, program, info, ours.get(info.base as string) as string);
  }
}

/**
 * These are copied into their callers, in the guest as well: a call would cost as much as the work. (C programs: 0.61 of wasi-libc's
 * time, and 0.77 where they are called.)
 */
const FAST = ["malloc", "free", "takeFrom", "put"].map((name) => `core/heap/pymalloc/${name}`);
const FAST_IMPORTS = ["PyObject_Malloc", "PyObject_Free", "PyMem_Malloc", "PyMem_Free"];

/** How long they are at most. */
const FAST_SIZE = 100;

/** How many bytes longer a guest may become by that. */
const MOST_COPIED = 4096;

/** Copies functions into their callers. Nothing else of the guest is changed. */
function inline(binaryen: Api, program: Binaryen.Module, names: ReadonlySet<string>): void {
  const infos = functionsOf(binaryen, program).filter(({ name }) => names.has(name));
  binaryen.setPassArgument("no-inline", "*");
  program.runPasses(["no-inline"]);
  for (const { name, params, results, vars, body } of infos) {
    const copy = program.copyExpression(body);
    program.removeFunction(name);
    program.addFunction(name, params, results, vars, copy);
  }
  prepare(binaryen, program, { inlinedSize: FAST_SIZE, shrinkLevel: 0 });
  program.runPasses(["inlining-optimizing", "remove-unused-module-elements"]);
}

/**
 * A guest that makes its memory longer itself takes for its own what the heap does.
 * @throws LinkError for such a one
 */
function refuseGrowing(program: Binaryen.Module): void {
  // Binaryen tells of no instructions otherwise. Each begins a line, which no text in the data can.
  if (!/^ *\(memory\.grow\b/m.test(program.emitText())) return;
  throw new LinkError(
    "it makes its memory longer itself, as a malloc of its own does: expected include/pymalloc_malloc.c in its place",
  );
}

/** What Emscripten's programs import of its JavaScript; not what those do that are made to do without. */
const GLUE = /^(_?emscripten_|_abort_js$|setTempRet0$)/;

/**
 * Emscripten's JavaScript keeps views of the memory, and is told when the program's malloc makes it longer. Ours tells nobody.
 * @throws LinkError for a guest that it is made for, and whose memory may grow
 */
function refuseGlue(bytes: Uint8Array, { memory }: GuestBinary): void {
  if (memory?.maximumPages === memory?.minimumPages) return;
  const imports = WebAssembly.Module.imports(compileProgram(bytes));
  if (!imports.some(({ module, name }) => module === "env" && GLUE.test(name))) return;
  throw new LinkError(
    "it is made for Emscripten's JavaScript, which has to be told when the memory grows: " +
      "expected -sSTANDALONE_WASM, or no -sALLOW_MEMORY_GROWTH",
  );
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

/** Is this WASI's function to write to a file? */
function isStandardError({ module, base }: Binaryen.FunctionInfo): boolean {
  return module === "wasi_snapshot_preview1" && base === "fd_write";
}

/** What says where in the sources a function was: that is another place in a linked guest. */
const STALE = ["sourceMappingURL", "external_debug_info"];

/** The guest's bytes, with the functions' names where it has names. */
function emit(binaryen: Api, program: Binaryen.Module, withNames: boolean): Uint8Array {
  const before = binaryen.getDebugInfo();
  binaryen.setDebugInfo(withNames);
  try {
    return withoutCustom(program.emitBinary(), STALE);
  } finally {
    binaryen.setDebugInfo(before);
  }
}

/**
 * The guest with the core in it.
 *
 * @param table where its function table has room
 * @param withNames does it have names?
 */
function graft(
  binaryen: Api,
  bytes: Uint8Array,
  needs: Needs,
  place: ReturnType<typeof placesFor>,
  table: number,
  withNames: boolean,
): Uint8Array {
  const program = read(binaryen, bytes);
  refuseGrowing(program);
  const all = functionsOf(binaryen, program);
  const calls = all.filter(({ module }) => module === MODULE);
  const imported = new Set(calls.map(({ base }) => base as string));
  const core = guestCore(binaryen, imported, needs, place, table, all.find(isStandardError)?.name);
  try {
    const ours = exportsOf(binaryen, core);
    insert(binaryen, program, core);
    const entries = Object.values(inTable(needs)).map((name) => ours.get(name) as string);
    if (entries.length > 0) {
      const at = program.i32.const(table);
      program.addActiveElementSegment(shared.table, "pymalloc/table", entries, at);
    }
    addStart(binaryen, program, core, ours.get("start") as string);
    if (needs.debugs) program.addFunctionExport(ours.get(REPORT) as string, REPORT);
    program.addGlobal("pymalloc/root", binaryen.i32, false, program.i32.const(place.root));
    program.addGlobalExport("pymalloc/root", "pymalloc_root");
    program.runPasses(["strip-dwarf"]);
    const linked = emit(binaryen, program, withNames);
    // What the guest calls them only calls ours.
    const forwards = calls.map(({ name }) => name);
    inline(binaryen, program, new Set([...FAST, ...FAST_IMPORTS.map(ownName), ...forwards]));
    const faster = emit(binaryen, program, withNames);
    return faster.length > linked.length + MOST_COPIED ? linked : faster;
  } finally {
    core.dispose();
    program.dispose();
  }
}

async function link(guest: Uint8Array, withPydebug: boolean): Promise<Uint8Array> {
  const description = readGuest(guest);
  if (description.memory !== undefined) checkGuest(description);
  const binaryen = await importBinaryen();
  const imported = importsOf(binaryen, guest);
  checkGuest(description);
  refuseGlue(guest, description);
  const needs = needsOf(imported, withPydebug);
  const place = placesFor(description, needs);
  const entries = Object.values(inTable(needs));
  const callsTable = entries.length > 0 || imported.has("PyType_Ready");
  const owner = withOwnMemory(guest, place.pages, place.otherwise);
  const [bytes, table] = callsTable ? withTableEntries(owner, entries.length) : [owner, 0];
  const linked = graft(binaryen, bytes, needs, place, table, description.functionNames.size > 0);
  const texts = textsOf(needs, place);
  const whole = texts.length > 0 ? withData(linked, place.parts.texts, texts) : linked;
  requireValid(whole);
  return whole;
}

/** Nobody shall find out where it is run. @throws LinkError */
function requireValid(linked: Uint8Array): void {
  try {
    new WebAssembly.Module(linked as BufferSource);
  } catch (error) {
    const { message } = error as Error;
    throw new LinkError(`the linked guest is no WebAssembly, please report this: ${message}`);
  }
}

/**
 * Links the core into a guest, a program that was written to `include/pymalloc.h`: it has its memory and its heap itself then, and runs
 * wherever WebAssembly does, without this library.
 *
 * @param guest the content of the guest's file
 * @returns the content of the linked one; it exports its memory as "memory"
 * @throws LinkError for what is no guest, or can't be linked
 * @throws TypeError for what is no Uint8Array, and for a wrong option
 */
export async function linkGuest(
  guest: Uint8Array,
  options: LinkGuestOptions = {},
): Promise<Uint8Array> {
  if (!(guest instanceof Uint8Array)) {
    throw typeError(
      `linkGuest: guest is ${show(guest)}, expected a Uint8Array of its file's bytes`,
    );
  }
  const { withPydebug } = readGuestOptions(options, "linkGuest");
  try {
    return await link(guest, withPydebug);
  } catch (error) {
    if (error instanceof LinkError) throw error;
    // What is damaged, or newer than Binaryen, can go wrong anywhere on the way; Binaryen's own errors say nothing.
    const { message = "Binaryen can't read it" } = error as { message?: string };
    throw new LinkError(`it can't be linked: ${message.split("\n")[0]}`);
  }
}
