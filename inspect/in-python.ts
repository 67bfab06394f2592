/** Python's side: `import pymalloc` in an interpreter gets `memory`, `snapshot`, `watch` and `leaks`. */
import { rangeError, show } from "../base/base.js";
import { type PyodideLike, programOf } from "../python/python.js";
import { diff } from "./diff.js";
import { OWN_FILE } from "./python/python.js";
import { memory, type Snapshot, takeSnapshot } from "./snapshot.js";
import { type Growth, growthOf } from "./watch.js";

/**
 * The Python of it. Whatever must live between two looks lives in JavaScript, under a number: else the looks would find each
 * other. Answers become what Python has by way of JSON.
 */
const PYTHON = `
def _setup(bridge):
    import gc, inspect, json, sys, types

    module = sys.modules.get("pymalloc")
    if module is None:
        module = types.ModuleType("pymalloc", "What fills this interpreter's memory.")
        sys.modules["pymalloc"] = module

    def read(answer):
        return json.loads(bridge.asJson(answer))

    async def write(pieces, path):
        with open(path, "wb") as file:
            async for piece in pieces:
                file.write(piece.to_bytes())

    class Snapshot:
        """What was in the memory at one moment. Sizes are bytes."""

        def __init__(self, handle):
            self._handle = handle

        def __repr__(self):
            return f"<pymalloc.Snapshot of {self._handle.graph.nodes} objects and blocks>"

        def memory(self):
            """Where every byte is, as a dict whose parts sum up."""
            return read(self._handle.memory())

        def types(self):
            """A dict for each type, those first that retain most."""
            return read(self._handle.types())

        def dominators(self, limit=20):
            """A dict for each of the objects that keep most alive."""
            return read(self._handle.dominators(limit))

        def paths(self, what, limit=5):
            """How one comes from the roots to an object, its id(), or what a text means ("app.Order", "str:'text'"), shortest first."""
            if not isinstance(what, str):
                what = hex(what if type(what) is int else id(what))
            return read(bridge.paths(self._handle, what, limit))

        def holders(self, name):
            """A dict for each way in which the objects of a type are held, those first that hold most."""
            return read(self._handle.holders(name))

        def diff(self, other):
            """What became more or fewer up to another snapshot."""
            if not isinstance(other, Snapshot):
                raise TypeError(f"diff: expected a snapshot, got {other!r}")
            return Difference(bridge.diff(self._handle, other._handle))

        async def save(self, path):
            """Write the memory itself (.pymem): "pymalloc heap" and openSnapshot() read it."""
            await write(self._handle.save(), path)

        async def write_heapsnapshot(self, path):
            """Write it as .heapsnapshot, which Chrome's DevTools open."""
            await write(self._handle.toHeapSnapshot(), path)

    class Difference:
        """What two snapshots differ in. Its text names first what grew most."""

        def __init__(self, answer):
            rows = read(answer)
            self.types, self.holders, self._text = rows["types"], rows["holders"], str(answer)

        def __str__(self):
            return self._text

    class Growth:
        """What became more by at least one each time: true where anything did."""

        def __init__(self, answer):
            rows = read(answer)
            self.times, self.grown, self._text = rows["times"], rows["rows"], str(answer)

        def __bool__(self):
            return bool(self.grown)

        def __str__(self):
            return self._text

    class Watch:
        """What becomes more in a block: see watch()."""

        def __init__(self, times):
            self._times, self._number, self._growth = times, 0, None

        def __enter__(self):
            self._number = bridge.begin()
            look(self._number, 0)
            return self

        def __exit__(self, *error):
            del error
            look(self._number, self._times)
            self._growth = Growth(bridge.end(self._number))

        @property
        def grown(self):
            """A dict for each kind of object that became more."""
            return self._result().grown

        def report(self):
            """The same as text."""
            return str(self._result())

        def _result(self):
            if self._growth is None:
                raise RuntimeError("pymalloc.watch: the block has not ended yet")
            return self._growth

    def look(number, runs):
        # What a first collection frees may leave more behind for a second one.
        gc.collect()
        gc.collect()
        bridge.look(number, runs)

    def memory():
        """Where every byte of the memory is now: see Snapshot.memory."""
        return read(bridge.memory())

    def snapshot():
        """What is in the memory now, and who holds it."""
        return Snapshot(bridge.take())

    def watch(times=1):
        """with pymalloc.watch() as w: w.grown is what became more in the block by at least \`times\`, w.report() its text."""
        return Watch(check(times, "watch"))

    def leaks(function, times=5):
        """Call a function once to warm up and then several times, and say what becomes more each time: a cache that fills once is no leak."""
        if not callable(function) or inspect.iscoroutinefunction(function):
            raise TypeError(f"leaks: function is {function!r}, expected one that is called without arguments and waits for nothing")
        check(times, "leaks")
        half = times // 2
        number = bridge.begin()
        function()
        look(number, 0)
        for runs in (half, times - half) if half else (times,):
            for _ in range(runs):
                function()
            look(number, runs)
        return Growth(bridge.end(number))

    def check(times, where):
        if type(times) is not int or times < 1:
            raise ValueError(f"{where}: times is {times!r}, expected a whole number from 1 on")
        return times

    for thing in (memory, snapshot, watch, leaks, Snapshot, Difference, Growth, Watch):
        thing.__module__ = "pymalloc"
        thing.__qualname__ = thing.__name__
        setattr(module, thing.__name__, thing)

globals().pop("_setup")
`;

/** What looks have found, one after the other, with the runs before each. */
interface Series {
  before: Snapshot | undefined;
  readonly parts: { readonly change: ReturnType<typeof diff>; readonly runs: number }[];
}

/** What Python calls. */
function bridgeOf(pyodide: PyodideLike) {
  const series = new Map<number, Series>();
  let last = 0;
  function seriesOf(number: number): Series {
    const found = series.get(number);
    if (found !== undefined) return found;
    throw rangeError(`pymalloc: the series is ${show(number)}, expected one that has begun`);
  }
  return {
    asJson: (answer: unknown) => JSON.stringify(answer),
    memory: () => memory(pyodide),
    take: () => takeSnapshot(pyodide),
    paths(snapshot: Snapshot, query: string, limit: number): string[] {
      const node = query.startsWith("0x")
        ? snapshot.nodeAt(Number(query))
        : snapshot.find(query)[0];
      return node ? snapshot.pathsTo(node, { limit }).map(String) : [];
    },
    diff,
    begin(): number {
      series.set(++last, { before: undefined, parts: [] });
      return last;
    },
    look(number: number, runs: number): void {
      const one = seriesOf(number);
      const now = takeSnapshot(pyodide);
      if (one.before !== undefined) one.parts.push({ change: diff(one.before, now), runs });
      one.before = now;
    },
    end(number: number): Growth {
      const { parts } = seriesOf(number);
      series.delete(number);
      return growthOf(parts);
    },
  };
}

type Setup = ((bridge: ReturnType<typeof bridgeOf>) => void) & { destroy(): void };

/**
 * Gives Python's `import pymalloc` what this library knows: `memory()`, `snapshot()`, `watch()` and `leaks()`. Where pymalloc is
 * not installed the module is made. From then on Python holds functions of JavaScript's, and Pyodide can make no memory snapshot.
 *
 * @throws TypeError for what is no Pyodide
 */
export function inspectFromPython(pyodide: PyodideLike): void {
  programOf(pyodide, "inspectFromPython");
  const setup = pyodide.runPython(PYTHON, { filename: OWN_FILE }) as Setup;
  setup(bridgeOf(pyodide));
  setup.destroy();
}
