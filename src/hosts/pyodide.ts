/**
 * pymalloc in a running Pyodide: `import { install } from "pymalloc/pyodide"`.
 *
 * CPython keeps a table of allocators (PyMemAllocatorEx), one per domain, and lets them be exchanged at any
 * time by one that knows what to do with the blocks of the one before it. Ours does: an address that is
 * in none of its pools goes to that one.
 */
import { type Core, instantiate, instantiateCore } from "../core.js";
import { show } from "../errors.js";
import { layout } from "../generated/modules.js";
import { readMallocName } from "../options.js";
import { emptyStats, formatStats, readStats } from "../stats.js";
import type { Address, HeapStats, MallocName, SystemMalloc } from "../types.js";
import { validateHeap } from "../validate.js";
import {
  type AllocatorRecord,
  AllocatorTable,
  Domains,
  pointersOf,
  programOf,
  recordOf,
} from "./cpython.js";
import { afterHoles, surveyChunks } from "./dlmalloc.js";
import type { EmscriptenProgram } from "./emscripten.js";
import { alignedArenas } from "./host.js";

/** What `install` needs of a Pyodide: the object that `loadPyodide` gives. */
export interface PyodideLike {
  runPython(code: string): unknown;
}

export interface InstallOptions {
  /** `"pymalloc"` (the default), or `"malloc"` to leave the interpreter as it is. */
  malloc?: MallocName | undefined;
  /** Called before each new arena is taken (as with CPython's PYTHONMALLOCSTATS). It must not run Python. */
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

/** Makes the Python module, and puts the interpreter's own two functions right. */
const PYTHON_SIDE = `
def _setup(heap):
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

const IS_TRACING = "import _tracemalloc; _tracemalloc.is_tracing()";

/**
 * The functions for what pools don't serve, and for the blocks that are there already. Where CPython's
 * own allocator is the plain malloc, that is the raw domain with whatever hooks it has; where it is
 * another one (PYTHONMALLOC=mimalloc, debug), that one.
 */
function fallbackFor(
  program: EmscriptenProgram,
  raw: AllocatorRecord,
  old: AllocatorRecord,
): SystemMalloc {
  if (old.malloc === raw.malloc && old.ctx === raw.ctx) {
    return {
      malloc: program.require("PyMem_RawMalloc"),
      calloc: program.require("PyMem_RawCalloc"),
      realloc: program.require("PyMem_RawRealloc"),
      free: program.require("PyMem_RawFree"),
    };
  }
  const env = { memory: program.memory, table: program.table };
  return instantiate("adapter", { env, ...pointersOf(old) }) as unknown as SystemMalloc;
}

/** Takes over the two domains; returns a core over the heap that is now theirs, and its root. */
function takeOver(program: EmscriptenProgram, onNewArena: () => void): [Core, Address] {
  const root = program.malloc.malloc(layout.ROOT_SIZE);
  if (root === 0) throw new RangeError("install: out of memory");
  const allocators = new AllocatorTable(program);
  const raw = allocators.get(Domains.raw);
  const aligned = alignedArenas(program.malloc);
  const announced = {
    free: aligned.free,
    alloc(bytes: number): Address {
      onNewArena();
      return aligned.alloc(bytes);
    },
  };
  const poke = (offset: number, value: number) => {
    new Uint32Array(program.memory.buffer)[(root + offset) / 4] = value;
  };
  const arenas = afterHoles(program, announced, (requests) => poke(layout.HOLD_OFF, requests));
  // Two domains with two allocators get two cores: one heap all the same, they have one root.
  const cores = Domains.served.map((domain) => {
    const fallback = fallbackFor(program, raw, allocators.get(domain));
    return instantiateCore(program.memory, root, program.malloc, fallback, arenas);
  });
  const core = cores[0] as Core;
  core.initialize();
  poke(layout.RAW_BLOCKS, surveyChunks(program, 0)?.blocks ?? 0);
  for (const [index, domain] of Domains.served.entries()) {
    allocators.set(domain, recordOf(program, root, cores[index] as Core));
  }
  return [core, root];
}

/** The handle of an interpreter that stays on its own malloc. */
const nothingInstalled: InstalledPymalloc = {
  stats: emptyStats,
  debugMallocStats: () => "",
  getAllocatedBlocks: () => 0,
  validate: () => {},
  isPymallocAddress: () => false,
};

function handleOf(core: Core, memory: WebAssembly.Memory, root: Address): InstalledPymalloc {
  const stats = () => readStats(core, memory, root);
  return {
    stats,
    debugMallocStats: () => formatStats(stats()),
    // Below 0 only where the blocks from before the installation could not be counted.
    getAllocatedBlocks: () => Math.max(core.allocatedBlocks() | 0, 0),
    validate: () => validateHeap(core, memory, root),
    isPymallocAddress: (p) => core.addressInRange(p) !== 0,
  };
}

/**
 * Makes pymalloc the allocator of the mem and object domains of a running interpreter, once and for its
 * lifetime; a second call returns what the first one did. Blocks that are live already stay where they
 * are, and go back to where they came from. Python code can `import pymalloc`.
 *
 * @throws TypeError for what is not a Pyodide, or for a wrong option
 * @throws Error while tracemalloc is tracing: it would put the old allocator back when it stops
 */
export function install(pyodide: PyodideLike, options: InstallOptions = {}): InstalledPymalloc {
  for (const key of Object.keys(options)) {
    if (key !== "malloc" && key !== "onNewArena") {
      throw new TypeError(`install: unknown option ${show(key)}, expected malloc or onNewArena`);
    }
  }
  const name = readMallocName(options.malloc ?? "default", "install: malloc");
  if (name === "malloc") return nothingInstalled;
  const program = programOf(pyodide, "install");
  const existing = installed.get(program.memory);
  if (existing !== undefined) return existing;
  if (pyodide.runPython(IS_TRACING) === true) {
    throw new Error("install: tracemalloc is tracing; stop it first and start it again afterwards");
  }
  const [core, root] = takeOver(program, options.onNewArena ?? (() => {}));
  const handle = handleOf(core, program.memory, root);
  installed.set(program.memory, handle);
  const setup = pyodide.runPython(PYTHON_SIDE) as ((heap: InstalledPymalloc) => void) & {
    destroy(): void;
  };
  setup(handle);
  setup.destroy();
  return handle;
}
