/**
 * A module of ours made ready to go into a program: what it imports becomes what the program has, and then it is
 * optimized for that.
 *
 * Binaryen has no way to rename a function within a module. So one that is called something else in the program
 * becomes a function that only calls the other: the optimizer copies such a function into its callers, and drops it.
 */
import type Binaryen from "binaryen";
import { LinkError } from "./errors.js";
import { type Names, withNames } from "./sections.js";

export type Api = typeof Binaryen;

/** Binaryen, which is only there where someone wants to link. @throws LinkError that says what to install */
export async function importBinaryen(): Promise<Api> {
  try {
    return (await import("binaryen")).default;
  } catch {
    throw new LinkError("linking needs Binaryen; install it with: npm install binaryen");
  }
}

/**
 * What a module's imports stand for, and what becomes of its exports. An import's name is "heap-host/malloc", or "malloc" where no
 * other module that it imports from has one.
 */
export interface Bindings {
  /** Values of the imported globals. */
  readonly numbers: Readonly<Record<string, number>>;
  /** What the imported functions are: functions of the program, or the module's own, by their names there. */
  readonly functions: Readonly<Record<string, string>>;
  /** What the program calls the functions that exported ones take the place of. */
  readonly replaced: Readonly<Record<string, string>>;
}

/** What the memory and the function table are called in all modules that are read here. */
export const shared = { table: "table", memory: "memory" } as const;

/** Functions up to this size are copied into their callers: so what CPython calls *is* the fast path. */
const INLINED_SIZE = 76;

/** Reads a program, so that functions can be copied from one to another: the memory and the table have the same names. */
export function read(binaryen: Api, bytes: Uint8Array, names: Names = {}): Binaryen.Module {
  const tables = new Map([[0, shared.table]]);
  const memories = new Map([[0, shared.memory]]);
  return binaryen.readBinary(withNames(bytes, { ...names, tables, memories }));
}

/** All of something that a module has, by its number. */
function all<Item>(count: number, at: (index: number) => Item): Item[] {
  return Array.from({ length: count }, (_, index) => at(index));
}

export function functionsOf(binaryen: Api, module: Binaryen.Module): Binaryen.FunctionInfo[] {
  return all(module.getNumFunctions(), (at) =>
    binaryen.getFunctionInfo(module.getFunctionByIndex(at)),
  );
}

export function globalsOf(binaryen: Api, module: Binaryen.Module): Binaryen.GlobalInfo[] {
  return all(module.getNumGlobals(), (at) => binaryen.getGlobalInfo(module.getGlobalByIndex(at)));
}

/** What a module exports its functions as, and what it calls them. */
export function exportsOf(binaryen: Api, module: Binaryen.Module): Map<string, string> {
  const exports = all(module.getNumExports(), (at) =>
    binaryen.getExportInfo(module.getExportByIndex(at)),
  );
  const functions = exports.filter(({ kind }) => kind === binaryen.ExternalFunction);
  return new Map(functions.map(({ name, value }) => [name, value]));
}

/** All functions and globals of ours whose names a folder's name does not make ours, by their numbers: with names that nobody else has. */
function ownNames(all: readonly { readonly name: string }[]): Map<number, string> {
  const others = all.flatMap(({ name }, at) => (name.startsWith("core/") ? [] : [{ name, at }]));
  return new Map(others.map(({ name, at }) => [at, `pymalloc/${name}`]));
}

/**
 * Reads a module of ours. Binaryen calls an import without a name "fimport$0", in ours and in the program that it goes into; and what
 * AssemblyScript calls "~start" every one of its programs has.
 */
function readOwn(binaryen: Api, bytes: Uint8Array): Binaryen.Module {
  const module = read(binaryen, bytes);
  const functions = ownNames(functionsOf(binaryen, module));
  const globals = ownNames(globalsOf(binaryen, module));
  module.dispose();
  return read(binaryen, bytes, { functions, globals });
}

/** The value of an import. @throws Error where none is given: ours has changed, and what links it has not */
function boundTo<T>(
  values: Readonly<Record<string, T>>,
  { module, base }: { readonly module: string | null; readonly base: string | null },
): T {
  const value = values[`${module}/${base}`] ?? values[`${base}`];
  if (value === undefined) throw new Error(`${module}/${base} is not bound`);
  return value;
}

/** Puts a call of another function into the place of one. */
export function forward(
  binaryen: Api,
  module: Binaryen.Module,
  { name, params, results }: Binaryen.FunctionInfo,
  target: string,
): void {
  const operands = binaryen.expandType(params).map((type, at) => module.local.get(at, type));
  module.removeFunction(name);
  module.addFunction(name, params, results, [], module.call(target, operands, results));
}

/**
 * Binds a module's imports.
 * @returns a module whose functions go by the program's names; to be optimized, and to be disposed of
 * @throws Error for an import that stands for nothing
 */
export function bind(binaryen: Api, bytes: Uint8Array, bindings: Bindings): Binaryen.Module {
  const module = readOwn(binaryen, bytes);
  const functions = functionsOf(binaryen, module);
  for (const info of globalsOf(binaryen, module)) {
    const { name, type, base } = info;
    if (!base) continue;
    const value = module.i32.const(boundTo(bindings.numbers, info));
    module.removeGlobal(name);
    module.addGlobal(name, type, false, value);
  }
  for (const [exported, name] of exportsOf(binaryen, module)) {
    const theirs = bindings.replaced[exported];
    if (theirs === undefined) continue;
    const info = binaryen.getFunctionInfo(module.getFunction(name));
    const { params, results, vars, body } = info;
    module.addFunction(theirs, params, results, vars, module.copyExpression(body));
    forward(binaryen, module, info, theirs);
    module.removeExport(exported);
    module.addFunctionExport(theirs, exported);
  }
  for (const info of functions) {
    if (!info.base) continue;
    const target = boundTo(bindings.functions, info);
    if (module.getFunction(target) === 0) {
      const { params, results } = info;
      module.addFunctionImport(target, "program", target, params, results);
    }
    forward(binaryen, module, info, target);
  }
  return module;
}

/** How a module is optimized. */
export interface Optimizing {
  /** Functions up to this size are copied into their callers. */
  readonly inlinedSize: number;
  /** 0 for speed, 2 for fewer bytes. */
  readonly shrinkLevel: 0 | 1 | 2;
}

/** For a core that is called all the time: what is called often is copied into its callers. */
const fast: Optimizing = { inlinedSize: INLINED_SIZE, shrinkLevel: 0 };

/** Optimizes a module; functions of these names stay apart. */
export function optimize(
  binaryen: Api,
  module: Binaryen.Module,
  apart: readonly string[] = [],
  how = fast,
): void {
  for (const name of apart) {
    binaryen.setPassArgument("no-inline", name);
    module.runPasses(["no-inline"]);
  }
  prepare(binaryen, module, how);
  module.optimize();
}

/** Says how passes are to be run on a module, which may have what it has and what ours needs. */
export function prepare(
  binaryen: Api,
  module: Binaryen.Module,
  { inlinedSize, shrinkLevel }: Optimizing,
): void {
  const { BulkMemory, BulkMemoryOpt, MutableGlobals } = binaryen.Features;
  module.setFeatures(module.getFeatures() | BulkMemory | BulkMemoryOpt | MutableGlobals);
  binaryen.setOptimizeLevel(3);
  binaryen.setShrinkLevel(shrinkLevel);
  binaryen.setAlwaysInlineMaxSize(inlinedSize);
}
