/** The module `pymalloc` for Python's programs, and the two functions of `sys` that are about the allocator. */
import type { PythonView } from "./installation.js";

/** What `install` needs of a Pyodide: the object that `loadPyodide` gives. */
export interface PyodideLike {
  /** Runs Python; what its last expression gives. */
  runPython(code: string, options?: { filename?: string }): unknown;
}

/**
 * Where pymalloc is linked in, Python holds nothing of JavaScript's and looks the handle up at each call: so a memory snapshot
 * can be made, and in an interpreter that it is restored in, the functions say what is missing. Where it was installed at run
 * time a snapshot would lack its functions, and that Python holds an object of JavaScript's (`held`) makes Pyodide refuse.
 */
const PYTHON_SIDE = `
def _setup(held):
    import json, os, sys, types

    # inspectFromPython of pymalloc/inspect may have made it.
    module = sys.modules.get("pymalloc")
    if module is None:
        module = types.ModuleType("pymalloc", "The allocator that this interpreter's objects live in.")

    def heap():
        if held is not None:
            return held
        import pyodide_js

        found = getattr(pyodide_js._module, "pymalloc", None)
        if found is None:
            raise RuntimeError(
                "pymalloc: this interpreter comes from a memory snapshot; "
                "call install() of pymalloc/pyodide in JavaScript first"
            )
        return found.python

    def stats():
        """What the pools hold, as a dict of numbers whose parts sum up."""
        return json.loads(heap().stats)

    def debug_malloc_stats():
        """The statistics of the allocator as text."""
        return heap().debugMallocStats

    def get_allocated_blocks():
        """The number of memory blocks that are allocated now."""
        return heap().allocatedBlocks

    def validate():
        """Walk the whole heap and raise when something in it is wrong."""
        broken = heap().broken
        if broken:
            raise RuntimeError(broken)

    for function in (stats, debug_malloc_stats, get_allocated_blocks, validate):
        function.__module__ = "pymalloc"
        setattr(module, function.__name__, function)
    # The names of before.
    module.debugMallocStats = debug_malloc_stats
    module.getAllocatedBlocks = get_allocated_blocks
    sys.modules["pymalloc"] = module
    if held is None:
        return

    def getallocatedblocks():
        """Return the number of memory blocks currently allocated."""
        return held.allocatedBlocks

    type_stats = sys._debugmallocstats

    def _debugmallocstats():
        """Print debug info to stderr about the state of pymalloc and structures."""
        os.write(2, held.debugMallocStats.encode())
        type_stats()

    sys.getallocatedblocks = getallocatedblocks
    sys._debugmallocstats = _debugmallocstats

_setup
`;

type Setup = ((held: PythonView | undefined) => void) & { destroy(): void };

/** Gives a handle to Python. @param held for Python to keep; undefined where pymalloc is linked in */
export function setUpPython(pyodide: PyodideLike, held: PythonView | undefined): void {
  const setup = pyodide.runPython(PYTHON_SIDE) as Setup;
  setup(held);
  setup.destroy();
}
