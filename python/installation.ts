/**
 * What is installed in an interpreter, written where every copy of this package sees it: an app and a library of its may
 * each have one, as an ES module or as CommonJS, and two that took over after another would not know of each other's blocks.
 *
 * The mark is a property of Emscripten's `Module`, which each interpreter has one of. It is not in the linear memory, because
 * a memory snapshot has those bytes and not our functions in the table: whoever found them in an interpreter that was
 * restored would believe what is not so. And in the records of CPython's allocators it would be hidden by any hook on top.
 */
import {
  type Address,
  conflict,
  type DebugSettings,
  isAddress,
  isObject,
  layoutMark,
  type MallocName,
  show,
} from "../base/base.js";
import type { EmscriptenProgram } from "../hosts/hosts.js";
import type { HeapStats } from "../src/report/report.js";
import type { LimitHandler } from "./limit.js";

/** The allocator in a running interpreter. */
export interface InstalledPymalloc {
  /** What the pools hold, in numbers whose parts sum up. */
  stats(): HeapStats;
  /** The text of `sys._debugmallocstats()`, as far as it is about memory. */
  debugMallocStats(): string;
  /**
   * Live blocks of the mem and object domains. Those from before `install` are counted at that moment: where the
   * interpreter knows (pymalloc is linked in), as it says; otherwise by a walk over dlmalloc's chunks, which includes the raw
   * domain's. In a stock interpreter on another malloc they count as 0.
   */
  getAllocatedBlocks(): number;
  /**
   * Walks the whole heap, and in a debug mode every block.
   * @throws PyMemError with the number in docs/invariants.md of the first broken invariant
   */
  validate(): void;
  /**
   * For the moment after Python has crashed: all that `validate` finds, and in a debug mode what in the interpreter's memory
   * points to blocks that were freed, as to an object that was given back once too often. As text; undefined where nothing is
   * found. It never throws, and does not hand faults to `onFault`.
   */
  explainCrash(): string | undefined;
  /** Does `p` point into a pool? */
  isPymallocAddress(p: Address): boolean;
  /**
   * How far the heap may reach, in bytes from address 0 on, which is how much memory the interpreter takes; undefined where there is
   * no limit. It is the one that was set, rounded down to pages of 4 KiB.
   */
  readonly limit: number | undefined;
  /**
   * Sets the limit, from 64 KiB to 4 GiB less a page, or takes it away with undefined. One below what is in use is allowed: then
   * nothing more is taken until it is raised. It never runs Python, except where an interpreter gets its first limit.
   *
   * @throws TypeError for what is no such number
   * @throws Error where others than the system malloc take memory (PYTHONMALLOC=mimalloc), or for a first limit while
   * tracemalloc is tracing
   */
  setLimit(bytes: number | undefined): void;
}

/** How an interpreter's pymalloc was installed: the options with every default in place. */
export interface InForce extends DebugSettings {
  readonly malloc: MallocName;
  readonly onNewArena: (() => void) | undefined;
  readonly limitBytes: number | undefined;
  readonly onLimit: LimitHandler | undefined;
}

/**
 * The handle for Python. It has values and no functions: Pyodide keeps an object that Python called a function of, and then
 * refuses to make a memory snapshot.
 */
export interface PythonView {
  /** JSON. */
  readonly stats: string;
  readonly debugMallocStats: string;
  readonly allocatedBlocks: number;
  /** What is wrong with the heap; empty when nothing is. */
  readonly broken: string;
}

/** Where what is installed is in the interpreter's memory. */
export interface InstalledPlace {
  /** 0 where only a limit is. */
  readonly root: Address;
  /** The ledger of the debug heap; 0 outside of the debug modes. */
  readonly ledger: Address;
}

interface Installation extends InstalledPlace {
  /** Copies of this package with another layout leave it alone. */
  readonly layout: number;
  readonly options: InForce;
  readonly handle: InstalledPymalloc;
  readonly python: PythonView;
}

/** The name of the property. Python knows it, too: see `python-side.ts`. */
const MARK = "pymalloc";

function pythonView(handle: InstalledPymalloc): PythonView {
  return {
    get stats() {
      return JSON.stringify(handle.stats());
    },
    get debugMallocStats() {
      return handle.debugMallocStats();
    },
    get allocatedBlocks() {
      return handle.getAllocatedBlocks();
    },
    get broken() {
      try {
        handle.validate();
        return "";
      } catch (error) {
        return (error as Error).message;
      }
    },
  };
}

/** Writes the mark. */
export function markInstalled(
  { module }: EmscriptenProgram,
  handle: InstalledPymalloc,
  options: InForce,
  { root, ledger }: InstalledPlace = { root: 0, ledger: 0 },
): PythonView {
  const python = pythonView(handle);
  const installation = { layout: layoutMark, options, handle, python, root, ledger };
  Object.defineProperty(module, MARK, { value: installation });
  return python;
}

function otherVersion(where: string): Error {
  return conflict(`${where}: another version of pymalloc is installed in this interpreter`);
}

function installationIn({ module }: EmscriptenProgram, where: string): Installation | undefined {
  const found = (module as Record<string, unknown>)[MARK] as Installation | undefined;
  if (!isObject(found)) return undefined;
  if (found.layout === layoutMark) return found;
  throw otherVersion(where);
}

/** Where what is installed is; undefined where nothing is. @throws Error where it is another version's */
export function installedPlace(
  program: EmscriptenProgram,
  where: string,
): (InstalledPlace & { readonly malloc: MallocName }) | undefined {
  const found = installationIn(program, where);
  if (found === undefined) return undefined;
  const { root, ledger, options } = found;
  // Copies from before there was anyone who looks did not say it.
  if (!isAddress(root) || !isAddress(ledger)) throw otherVersion(where);
  // Where there is a limit alone, there is no heap of ours.
  if (root === 0) return undefined;
  return { root, ledger, malloc: options.malloc };
}

/** What options ask for: those that were given, the allocator by its one name. */
export type Asked = { readonly [Key in keyof InForce]?: InForce[Key] | undefined };

function shown(value: unknown, other: unknown): string {
  if (typeof value === "function" && typeof other === "function") return "another function";
  return value === undefined ? "none" : show(value);
}

/**
 * The handle to what is installed already; undefined where nothing is. Options that are left out go with everything.
 *
 * @throws Error that names the first option that asks for something else than what is in force, or another version
 */
export function installedIn(
  program: EmscriptenProgram,
  asked: Asked,
): InstalledPymalloc | undefined {
  const found = installationIn(program, "install");
  if (found === undefined) return undefined;
  for (const [key, value] of Object.entries(asked)) {
    const inForce = found.options[key as keyof InForce];
    if (value === undefined || value === inForce) continue;
    throw conflict(
      `install: ${key} is ${shown(value, undefined)}, expected ${shown(inForce, value)}: ` +
        "this interpreter has pymalloc with that already, for its lifetime",
    );
  }
  return found.handle;
}
