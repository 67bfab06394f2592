/** pymalloc in a running Pyodide: `import { install } from "pymalloc/pyodide"`. */
import {
  conflict,
  type DebugOptions,
  debugLayout,
  debugOptionNames,
  isAddress,
  isObject,
  type MallocMode,
  type MallocName,
  nameOf,
  PyMemError,
  readDebugOptions,
  readMallocMode,
  requireKnown,
  show,
  typeError,
} from "../base/base.js";
import type { EmscriptenProgram } from "../hosts/hosts.js";
import { emptyStats, formatStats, statsOf, validateHeap } from "../src/report/report.js";
import {
  type InstalledPlace,
  type InstalledPymalloc,
  installedIn,
  markInstalled,
} from "./installation.js";
import { linkedHeap } from "./linked-heap.js";
import { traceProxies } from "./proxies.js";
import { type PyodideLike, setUpPython } from "./python-side.js";
import { programOf } from "./records.js";
import { type Takeover, takeOver } from "./takeover.js";

export type { InstalledPymalloc, PyodideLike };
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
   * Note who makes each PyProxy: snapshots of `pymalloc/inspect` then say which lines hold an object from JavaScript. It costs tens
   * of microseconds a proxy, and begins with this call, also where pymalloc is installed already. Default: false.
   */
  traceProxies?: boolean | undefined;
}

const START_AND_STOP_TRACING = "import _tracemalloc; _tracemalloc.start(1); _tracemalloc.stop()";

const IS_TRACING = "import _tracemalloc; _tracemalloc.is_tracing()";

const COUNT_BLOCKS = "import sys; sys.getallocatedblocks()";

/** The handle of an interpreter that stays on its own malloc. */
const nothingInstalled: InstalledPymalloc = {
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
  { core, root, debugHeap, validateBlocks, explain }: Takeover,
): InstalledPymalloc {
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
      const dead = debugHeap?.deadBlocks() ?? 0;
      const freed = debugHeap?.read(debugLayout.EARLIER_FREED) ?? 0;
      // Below 0 only where the blocks from before the installation could not be counted.
      return Math.max((core.allocatedBlocks() - dead - freed) | 0, 0);
    },
    validate,
    explainCrash: () =>
      textOf(() => validateHeap(memory, root)) + textOf(() => explain?.()) || undefined,
    isPymallocAddress: (p) => isAddress(p) && core.addressInRange(p) !== 0,
  };
}

/** @throws TypeError that names the option, its value and what was expected */
function readOnNewArena({ onNewArena }: InstallOptions): (() => void) | undefined {
  if (onNewArena === undefined || typeof onNewArena === "function") return onNewArena;
  throw typeError(`install: onNewArena is ${show(onNewArena)}, expected a function`);
}

/** @throws TypeError that names the option, its value and what was expected */
function readTraceProxies(program: EmscriptenProgram, { traceProxies: trace }: InstallOptions) {
  if (trace !== undefined && typeof trace !== "boolean") {
    throw typeError(`install: traceProxies is ${show(trace)}, expected true or false`);
  }
  if (trace === true) traceProxies(program);
}

/** @throws Error that names the option which a heap that is linked in can't follow */
function refuseForLinked(mode: MallocMode, onNewArena: (() => void) | undefined): void {
  const refuse = (what: string, instead: string) => {
    throw conflict(`install: ${what}, but pymalloc is linked into this interpreter: ${instead}`);
  };
  if (!mode.pools && !mode.debug) refuse('malloc is "malloc"', "start it with PYTHONMALLOC=malloc");
  if (!mode.debug && onNewArena !== undefined) {
    refuse("onNewArena is a function", "start it with PYTHONMALLOCSTATS=1 for reports of arenas");
  }
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
 * and the handle is to that heap; only a debug mode is put in front of it.
 *
 * In a debug mode a fault names the Python lines that were running (Python 3.13 and newer). A fault that is
 * thrown ends the interpreter, as CPython's own debug hooks do; what a function `onFault` throws is written to the console.
 *
 * @throws TypeError for what is not a Pyodide, or for a wrong option
 * @throws Error that names the option for one which what is there already does not have: another allocator, another function
 * @throws Error while tracemalloc is tracing: it would put the old allocator back when it stops
 */
export function install(pyodide: PyodideLike, options: InstallOptions = {}): InstalledPymalloc {
  if (!isObject(options)) {
    throw typeError(`install: expected an object of options, got ${show(options)}`);
  }
  const known = ["malloc", "onNewArena", "traceProxies", ...debugOptionNames];
  requireKnown(options, known, "install");
  const mode = readMallocMode(options.malloc ?? "default", "install: malloc");
  const settings = readDebugOptions(options, "install");
  const onNewArena = readOnNewArena(options);
  const program = programOf(pyodide, "install");

  const malloc = nameOf(mode);
  readTraceProxies(program, options);
  const asked = { ...options, malloc: options.malloc && malloc, traceProxies: undefined };
  const existing = installedIn(program, asked);
  if (existing !== undefined) return existing;
  const linked = linkedHeap(program);
  if (linked !== undefined) refuseForLinked(mode, onNewArena);
  if (!mode.pools && !mode.debug) return nothingInstalled;

  const inForce = { ...settings, malloc, onNewArena };
  if (linked !== undefined && !mode.debug) {
    const handle = handleOf(program, mode, linked);
    markInstalled(program, handle, inForce, placeOf(linked));
    setUpPython(pyodide, undefined);
    return handle;
  }
  if (pyodide.runPython(IS_TRACING) === true) {
    throw conflict("install: tracemalloc is tracing; stop it first and start it again afterwards");
  }
  const counted = pyodide.runPython(COUNT_BLOCKS) as number;
  const taken = takeOver(program, { mode, settings, onNewArena, counted });
  const handle = handleOf(program, mode, taken);
  const view = markInstalled(program, handle, inForce, placeOf(taken));
  taken.settle?.(() => pyodide.runPython(START_AND_STOP_TRACING));
  setUpPython(pyodide, view);
  return handle;
}
