/** pymalloc in a running Pyodide: `import { install } from "pymalloc/pyodide"`. */
import {
  badOption,
  conflict,
  type DebugOptions,
  type DebugSettings,
  debugOptionNames,
  isAddress,
  type MallocMode,
  type MallocName,
  nameOf,
  PyMemError,
  readDebugOptions,
  readMallocMode,
  requireOptions,
  show,
} from "../base/base.js";
import type { EmscriptenProgram } from "../hosts/hosts.js";
import { emptyStats, formatStats, statsOf, validateHeap } from "../src/report/report.js";
import {
  type InForce,
  type InstalledPlace,
  type InstalledPymalloc,
  installedIn,
  markInstalled,
} from "./installation.js";
import { Limit, type LimitBudget, readLimit, requireDlmalloc } from "./limit.js";
import { linkedDebugHeap, linkedDebugMode } from "./linked-debug.js";
import { linkedHeap } from "./linked-heap.js";
import { traceProxies } from "./proxies.js";
import { type PyodideLike, setUpPython } from "./python-side.js";
import { Domains, programOf } from "./records.js";
import { harmless, type Takeover, takeOver } from "./takeover.js";

export type { InstalledPymalloc, LimitBudget, PyodideLike };
// CommonJS has a copy of the class for each entry of the package.
export { PyMemError };

/** What `install` takes; every option may be left out. */
export interface InstallOptions extends DebugOptions {
  /** `"pymalloc"` (the default), a debug mode, or `"malloc"` to leave the interpreter as it is. */
  malloc?: MallocName | undefined;
  /**
   * Called when new arenas come, before they are in use (as with CPython's PYTHONMALLOCSTATS). It is called in the middle of
   * an allocation and must not run Python. What it throws is written to the console, and Python goes on.
   */
  onNewArena?: (() => void) | undefined;
  /**
   * How much memory the interpreter may take, in bytes: from 64 KiB to 4 GiB less a page, rounded down to pages of 4 KiB. Beyond
   * it Python gets a MemoryError, and a reserve of 1 MiB for whoever handles that. By default there is no limit but the engine's.
   */
  limitBytes?: number | undefined;
  /**
   * Called when a request of Python's was refused, once a limit has been set. It is called in the middle of an allocation and
   * must not run Python; it may set another limit. What it throws is written to the console.
   */
  onLimit?: ((budget: LimitBudget) => void) | undefined;
  /**
   * Note who makes each PyProxy: snapshots of `pymalloc/inspect` then say which lines hold an object from JavaScript. It costs tens
   * of microseconds a proxy, and begins with this call, also where pymalloc is installed already. Default: false.
   */
  traceProxies?: boolean | undefined;
}

const START_AND_STOP_TRACING = "import _tracemalloc; _tracemalloc.start(1); _tracemalloc.stop()";

const IS_TRACING = "import _tracemalloc; _tracemalloc.is_tracing()";

const COUNT_BLOCKS = "import sys; sys.getallocatedblocks()";

/** A handle without what is about the limit. */
type Unlimited = Omit<InstalledPymalloc, "limit" | "setLimit">;

/** The handle of an interpreter that stays on its own malloc. */
const nothingInstalled: Unlimited = {
  stats: emptyStats,
  debugMallocStats: () => "",
  getAllocatedBlocks: () => 0,
  validate: () => {},
  explainCrash: () => undefined,
  isPymallocAddress: () => false,
};

/** What a look at the heap says, or throws, as text: in a damaged memory anything may be met. */
function textOf(look: () => unknown): string {
  try {
    return String(look() ?? "");
  } catch (error) {
    return error instanceof PyMemError ? error.report() : `${error}\n`;
  }
}

function placeOf({ root, debugHeap }: Takeover): InstalledPlace {
  return { root, ledger: debugHeap?.ledger ?? 0 };
}

/** A handle to a heap in the interpreter's memory. */
function handleOf(
  { memory }: EmscriptenProgram,
  mode: MallocMode,
  { core, root, debugHeap, notLive, validateBlocks, explain }: Takeover,
): Unlimited {
  const validate = () => {
    validateHeap(memory, root);
    validateBlocks();
  };
  const stats = () => statsOf(mode, core, memory, root, debugHeap?.stats());
  return {
    stats,
    debugMallocStats: () => formatStats(stats()),
    getAllocatedBlocks() {
      if (!mode.pools) return 0;
      // Below 0 only where the blocks from before the installation could not be counted.
      return Math.max((core.allocatedBlocks() - notLive()) | 0, 0);
    },
    validate,
    explainCrash: () =>
      textOf(() => validateHeap(memory, root)) + textOf(() => explain?.()) || undefined,
    isPymallocAddress: (p) => isAddress(p) && core.addressInRange(p) !== 0,
  };
}

/** @throws TypeError that names the option, its value and what was expected */
function requireType<Name extends "onNewArena" | "onLimit" | "traceProxies">(
  options: InstallOptions,
  name: Name,
  type: "function" | "boolean",
  expected: string,
): InstallOptions[Name] {
  const value = options[name];
  if (value === undefined || typeof value === type) return value;
  throw badOption(name, value, expected, "install");
}

/** @throws Error while tracemalloc is tracing: it would put the old allocators back when it stops */
function requireUntraced(pyodide: PyodideLike, where: string): void {
  if (pyodide.runPython(IS_TRACING) !== true) return;
  throw conflict(`${where}: tracemalloc is tracing; stop it first and start it again afterwards`);
}

/** A handle with the limit of its interpreter. @param refusing see `Takeover` */
function withLimit(
  pyodide: PyodideLike,
  program: EmscriptenProgram,
  handle: Unlimited,
  refusing: readonly number[],
  onLimit: InForce["onLimit"],
): InstalledPymalloc {
  const limit = new Limit(program, {
    refusing,
    onLimit: onLimit && harmless("onLimit", onLimit),
    requireUntraced: () => requireUntraced(pyodide, "setLimit"),
  });
  return {
    ...handle,
    get limit() {
      return limit.bytes;
    },
    setLimit: (bytes) => limit.set(readLimit(bytes, "setLimit: the limit")),
  };
}

/** The handle of an interpreter that stays on its own malloc; it counts as one that has ours when a limit is set. */
function onlyLimited(
  pyodide: PyodideLike,
  program: EmscriptenProgram,
  inForce: InForce,
): InstalledPymalloc {
  const { onLimit, limitBytes } = inForce;
  const all = Object.values(Domains);
  const handle = withLimit(pyodide, program, nothingInstalled, all, onLimit);
  const { setLimit } = handle;
  handle.setLimit = (bytes) => {
    const first = installedIn(program, {});
    if (first !== undefined && first !== handle) return first.setLimit(bytes);
    setLimit(bytes);
    if (first === undefined && bytes !== undefined) markInstalled(program, handle, inForce);
  };
  if (limitBytes !== undefined) handle.setLimit(limitBytes);
  return handle;
}

/** @throws Error that says which option what is linked in can't follow, and what can be done instead */
function refuse(option: string, linked: string, instead: string): never {
  throw conflict(`install: ${option}, but ${linked} is linked into this interpreter: ${instead}`);
}

function refuseAllocator({ malloc }: InstallOptions, mode: MallocMode, linked: string): never {
  refuse(`malloc is ${show(malloc)}`, linked, `start it with PYTHONMALLOC=${nameOf(mode)}`);
}

function refuseNewArena({ onNewArena }: InstallOptions, linked: string): void {
  if (onNewArena === undefined) return;
  const instead = "start it with PYTHONMALLOCSTATS=1 for reports of arenas";
  refuse("onNewArena is a function", linked, instead);
}

/** What was linked in, where it is in force and nothing is to be put in front of it. @throws Error for options that it can't follow */
function linkedIn(
  program: EmscriptenProgram,
  mode: MallocMode,
  settings: DebugSettings,
  options: InstallOptions,
): (Takeover & { readonly mode: MallocMode }) | undefined {
  const debugMode = linkedDebugMode(program);
  if (debugMode !== undefined) {
    const what = "a debug heap";
    if (options.malloc && nameOf(mode) !== nameOf(debugMode)) refuseAllocator(options, mode, what);
    if (options.stacks) refuse("stacks is true", what, "it keeps none; one that is installed does");
    refuseNewArena(options, what);
    return { ...linkedDebugHeap(program, settings, options.quarantineBytes), mode: debugMode };
  }
  const linked = linkedHeap(program);
  if (linked === undefined || mode.debug) return undefined;
  if (!mode.pools) refuseAllocator(options, mode, "pymalloc");
  refuseNewArena(options, "pymalloc");
  return { ...linked, mode };
}

/**
 * Makes pymalloc the allocator of the mem and object domains of a running interpreter (in a debug mode also of
 * the raw domain), once and for its lifetime. Blocks that are live already stay where they are, and go back to where they
 * came from. Python code can `import pymalloc`.
 *
 * A second call, also that of another copy of this package, returns the handle that the first one did. Its options may be
 * left out, or are the same: nothing that was installed is changed or taken out.
 *
 * Where pymalloc was linked into the interpreter's program (`pymalloc link`) and is in force, there is nothing to take over
 * and the handle is to that heap; only a debug mode is put in front of it. Where the debug heap was linked in as well
 * (`--with-pydebug`) and is in force, the handle is to that one, and `onFault` hears of its faults from then on.
 *
 * In a debug mode a fault names the Python lines that were running (Python 3.13 and newer). A fault that is
 * thrown ends the interpreter, as CPython's own debug hooks do; what a function `onFault` throws is written to the console.
 *
 * @throws TypeError for what is not a Pyodide, or for a wrong option
 * @throws Error that names the option for one which what is there already does not have: another allocator, another function
 * @throws Error while tracemalloc is tracing: it would put the old allocator back when it stops
 */
export function install(pyodide: PyodideLike, options: InstallOptions = {}): InstalledPymalloc {
  const own = ["malloc", "onNewArena", "limitBytes", "onLimit", "traceProxies"];
  requireOptions(options, [...own, ...debugOptionNames], "install");
  const mode = readMallocMode(options.malloc ?? "default", "install: malloc");
  const settings = readDebugOptions(options, "install");
  const onNewArena = requireType(options, "onNewArena", "function", "a function");
  const onLimit = requireType(options, "onLimit", "function", "a function");
  const traces = requireType(options, "traceProxies", "boolean", "true or false");
  const limitBytes = readLimit(options.limitBytes, "install: limitBytes");
  const program = programOf(pyodide, "install");

  const malloc = nameOf(mode);
  if (traces) traceProxies(program);
  const asked = { ...options, malloc: options.malloc && malloc, traceProxies: undefined };
  const existing = installedIn(program, asked);
  if (existing !== undefined) return existing;
  const linked = linkedIn(program, mode, settings, options);
  if (limitBytes !== undefined) requireDlmalloc(program, "install");
  const inForce = {
    ...settings,
    malloc: nameOf(linked?.mode ?? mode),
    onNewArena,
    limitBytes,
    onLimit,
  };
  if (linked !== undefined) {
    const handle = withLimit(pyodide, program, handleOf(program, linked.mode, linked), [], onLimit);
    markInstalled(program, handle, inForce, placeOf(linked));
    setUpPython(pyodide, undefined);
    if (limitBytes !== undefined) handle.setLimit(limitBytes);
    return handle;
  }
  if (!mode.pools && !mode.debug) return onlyLimited(pyodide, program, inForce);

  requireUntraced(pyodide, "install");
  const counted = pyodide.runPython(COUNT_BLOCKS) as number;
  const taken = takeOver(program, { mode, settings, onNewArena, counted });
  const parts = handleOf(program, mode, taken);
  const handle = withLimit(pyodide, program, parts, taken.refusing, onLimit);
  const view = markInstalled(program, handle, inForce, placeOf(taken));
  taken.settle?.(() => pyodide.runPython(START_AND_STOP_TRACING));
  setUpPython(pyodide, view);
  if (limitBytes !== undefined) handle.setLimit(limitBytes);
  return handle;
}
