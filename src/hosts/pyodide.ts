/** pymalloc in a running Pyodide: `import { install } from "pymalloc/pyodide"`. */
import { PyMemError, requireKnown } from "../errors.js";
import { debugLayout } from "../generated/modules.js";
import { isAddress } from "../memory.js";
import {
  type DebugOptions,
  debugOptionNames,
  type MallocMode,
  readDebugOptions,
  readMallocMode,
} from "../options.js";
import { emptyStats, formatStats, statsOf } from "../stats.js";
import type { Address, HeapStats, MallocName } from "../types.js";
import { validateHeap } from "../validate.js";
import { programOf } from "./cpython.js";
import type { EmscriptenProgram } from "./emscripten.js";
import { linkedHeap } from "./linked.js";
import { type Takeover, takeOver } from "./takeover.js";

// CommonJS has a copy of the class for each entry of the package.
export { PyMemError };

/** What `install` needs of a Pyodide: the object that `loadPyodide` gives. */
export interface PyodideLike {
  runPython(code: string): unknown;
}

export interface InstallOptions extends DebugOptions {
  /** `"pymalloc"` (the default), a debug mode, or `"malloc"` to leave the interpreter as it is. */
  malloc?: MallocName | undefined;
  /** Called when new arenas come, before they are in use (as with CPython's PYTHONMALLOCSTATS). It must not run Python. */
  onNewArena?: (() => void) | undefined;
}

/** The allocator in a running interpreter. */
export interface InstalledPymalloc {
  /** What the pools hold, in numbers whose parts sum up. */
  stats(): HeapStats;
  /** The text of `sys._debugmallocstats()`, as far as it is about memory. */
  debugMallocStats(): string;
  /**
   * Live blocks of the mem and object domains. Those from before `install` are counted by a walk over
   * dlmalloc's chunks at that moment, which includes the raw domain's; they count as 0 over another malloc.
   */
  getAllocatedBlocks(): number;
  /** @throws PyMemError with the number in docs/invariants.md of the first broken invariant */
  validate(): void;
  /** Does `p` point into a pool? */
  isPymallocAddress(p: Address): boolean;
}

const installed = new WeakMap<object, InstalledPymalloc>();

/** Makes the Python module, and puts the interpreter's own two functions right where that was not done by linking. */
const PYTHON_SIDE = `
def _setup(heap, linked):
    import os, sys, types

    module = types.ModuleType("pymalloc", "The allocator that this interpreter's objects live in.")

    def stats():
        """What the pools hold, as a dict of numbers whose parts sum up."""
        return heap.stats().to_py()

    def debugMallocStats():
        """The statistics of the allocator as text."""
        return heap.debugMallocStats()

    def getAllocatedBlocks():
        """The number of memory blocks that are allocated now."""
        return heap.getAllocatedBlocks()

    def validate():
        """Walk the whole heap and raise when something in it is wrong."""
        heap.validate()

    for function in (stats, debugMallocStats, getAllocatedBlocks, validate):
        function.__module__ = "pymalloc"
        setattr(module, function.__name__, function)
    sys.modules["pymalloc"] = module
    if linked:
        return

    def getallocatedblocks():
        """Return the number of memory blocks currently allocated."""
        return heap.getAllocatedBlocks()

    type_stats = sys._debugmallocstats

    def _debugmallocstats():
        """Print debug info to stderr about the state of pymalloc and structures."""
        os.write(2, heap.debugMallocStats().encode())
        type_stats()

    sys.getallocatedblocks = getallocatedblocks
    sys._debugmallocstats = _debugmallocstats

_setup
`;

const START_AND_STOP_TRACING = "import _tracemalloc; _tracemalloc.start(1); _tracemalloc.stop()";

const IS_TRACING = "import _tracemalloc; _tracemalloc.is_tracing()";

/** The handle of an interpreter that stays on its own malloc. */
const nothingInstalled: InstalledPymalloc = {
  stats: emptyStats,
  debugMallocStats: () => "",
  getAllocatedBlocks: () => 0,
  validate: () => {},
  isPymallocAddress: () => false,
};

/** A handle to a heap in the interpreter's memory. */
function handleOf(
  { memory }: EmscriptenProgram,
  mode: MallocMode,
  { core, root, debugHeap, validateBlocks }: Takeover,
): InstalledPymalloc {
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
    validate() {
      validateHeap(memory, root);
      validateBlocks();
    },
    isPymallocAddress: (p) => isAddress(p) && core.addressInRange(p) !== 0,
  };
}

type Setup = ((heap: InstalledPymalloc, linked: boolean) => void) & { destroy(): void };

/** Remembers a handle, and gives it to Python. */
function publish(
  pyodide: PyodideLike,
  { memory }: EmscriptenProgram,
  handle: InstalledPymalloc,
  linked: boolean,
): InstalledPymalloc {
  installed.set(memory, handle);
  const setup = pyodide.runPython(PYTHON_SIDE) as Setup;
  setup(handle, linked);
  setup.destroy();
  return handle;
}

/**
 * Makes pymalloc the allocator of the mem and object domains of a running interpreter (in a debug mode also of
 * the raw domain), once and for its lifetime; a second call returns what the first one did. Blocks that are live
 * already stay where they are, and go back to where they came from. Python code can `import pymalloc`.
 *
 * Where pymalloc was linked into the interpreter's program (`pymalloc link`) and is in force, there is nothing to take over
 * and the handle is to that heap; only a debug mode is put in front of it.
 *
 * In a debug mode a fault names the Python lines that were running (Python 3.13 and newer). A fault that is
 * thrown ends the interpreter, as CPython's own debug hooks do.
 *
 * @throws TypeError for what is not a Pyodide, or for a wrong option
 * @throws Error while tracemalloc is tracing: it would put the old allocator back when it stops
 */
export function install(pyodide: PyodideLike, options: InstallOptions = {}): InstalledPymalloc {
  const known = ["malloc", "onNewArena", ...debugOptionNames];
  requireKnown(options, known, "install");
  const mode = readMallocMode(options.malloc ?? "default", "install: malloc");
  const settings = readDebugOptions(options, "install");
  if (!mode.pools && !mode.debug) return nothingInstalled;
  const program = programOf(pyodide, "install");
  const existing = installed.get(program.memory);
  if (existing !== undefined) return existing;
  const linked = mode.debug ? undefined : linkedHeap(program);
  if (linked !== undefined) return publish(pyodide, program, handleOf(program, mode, linked), true);
  if (pyodide.runPython(IS_TRACING) === true) {
    throw new Error("install: tracemalloc is tracing; stop it first and start it again afterwards");
  }
  const { onNewArena } = options;
  const refreshTracemalloc = () => pyodide.runPython(START_AND_STOP_TRACING);
  const taken = takeOver(program, { mode, settings, onNewArena, refreshTracemalloc });
  return publish(pyodide, program, handleOf(program, mode, taken), false);
}
