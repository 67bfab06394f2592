/**
 * The moments of a program at which somebody looks at its memory. Whoever looks is called in the middle of the program, with
 * all of its objects whole, and must not run Python.
 */
import { normalize, sep } from "node:path";
import { Word } from "../process/process.js";

export type Moment =
  /** It has ended, by whatever way, and its globals are still there. */
  | { readonly kind: "end" }
  /** The memory that its heap has taken has grown by a tenth since the last time: the last such look is near the peak. */
  | { readonly kind: "growth" }
  /** A MemoryError is raised, for the first time. */
  | { readonly kind: "memory-error" }
  /** A line is reached, for the first time: of the file whose path this is, or ends with this. */
  | { readonly kind: "line"; readonly file: string; readonly line: number }
  /** A SIGUSR2 has come. */
  | { readonly kind: "signal" }
  /** The interpreter has crashed: nothing is whole any more, and Python is over. */
  | { readonly kind: "crash" };

export interface Look {
  readonly at: Moment;
  /** Must not run Python, nor throw: there is nobody who would hear of it. */
  readonly work: () => void;
}

/** By how much the heap has to grow until it is looked at again. */
const GROWTH = 1.1;

type Kind = Moment["kind"];

/** The looks at one interpreter's memory, each called when it is due. */
export class Looks {
  readonly #looks: readonly Look[];
  /** To be called at points which Python comes by all the time; undefined where nobody waits for that. */
  readonly poll: (() => void) | undefined;

  /** @param words where signals are counted */
  constructor(looks: readonly Look[], heapBytes: () => number, words: Int32Array | undefined) {
    this.#looks = looks;
    const polls = looks.flatMap(({ at, work }) => {
      if (at.kind === "growth") return [onGrowth(heapBytes, work)];
      return at.kind === "signal" && words !== undefined ? [onSignal(words, work)] : [];
    });
    if (polls.length > 0) {
      this.poll = () => {
        for (const poll of polls) poll();
      };
    }
  }

  /** Does somebody look then? */
  has(...kinds: readonly Kind[]): boolean {
    return this.#looks.some(({ at }) => kinds.includes(at.kind));
  }

  /** The moment has come. */
  come(kind: Kind): void {
    for (const { at, work } of this.#looks) if (at.kind === kind) work();
  }

  /**
   * Has Python wait for what only it can see.
   * @param run runs Python, and gives what its last expression is
   * @param seen where the program sees a path as the command line has it
   */
  watch(run: (code: string) => unknown, seen: (path: string) => string): void {
    if (!this.has("line", "memory-error")) return;
    const [watchLine, watchMemoryError] = run(WATCHER) as Watchers;
    for (const { at, work } of this.#looks) {
      if (at.kind === "memory-error") watchMemoryError(work);
      if (at.kind !== "line") continue;
      watchLine(seen(at.file), `/${normalize(at.file).split(sep).join("/")}`, at.line, work);
    }
  }
}

/** What `WATCHER` gives. */
type Watchers = [
  watchLine: (path: string, ending: string, line: number, work: () => void) => void,
  watchMemoryError: (work: () => void) => void,
];

function onGrowth(heapBytes: () => number, work: () => void): () => void {
  let seen = heapBytes();
  return () => {
    const now = heapBytes();
    if (now < seen * GROWTH) return;
    seen = now;
    work();
  };
}

function onSignal(words: Int32Array, work: () => void): () => void {
  let seen = 0;
  return () => {
    const now = Atomics.load(words, Word.snapshots);
    if (now === seen) return;
    seen = now;
    work();
  };
}

/**
 * A buffer for Pyodide's `setInterruptBuffer` that has something done whenever Python looks for a signal: it does so
 * at each fiftieth call or turn of a loop, between two instructions.
 *
 * @param words those that signals come by; undefined where none come
 */
export function polledBuffer(words: Int32Array = new Int32Array(1), poll: () => void): Int32Array {
  let taken = 0;
  const buffer = {
    get 0() {
      poll();
      taken = Atomics.load(words, Word.interrupt);
      return taken;
    },
    // Pyodide stores 0 at each look; a signal that came in between is not to be lost.
    set 0(value: number) {
      Atomics.compareExchange(words, Word.interrupt, taken, value);
    },
  };
  // All that Pyodide does with it is to read and to write its first word.
  return buffer as unknown as Int32Array;
}

/**
 * Python's part: it waits for lines, and for a MemoryError, for the first time of each. It does so by sys.monitoring (PEP 669),
 * where each place that is of no interest is switched off after its first time.
 */
export const WATCHER = `
def _make_watcher():
    import sys

    monitoring = sys.monitoring
    events = monitoring.events
    TOOL = 4  # nobody's: neither a debugger's nor a profiler's
    lines = []
    errors = []

    def watch():
        monitoring.set_events(TOOL, (events.LINE if lines else 0) | (events.RAISE if errors else 0))

    def at_line(code, place):
        name = code.co_filename
        for line in lines[:]:
            path, ending, number, work = line
            if number == place and (name == path or name.endswith(ending)):
                lines.remove(line)
                work()
                watch()
        return monitoring.DISABLE

    def at_error(code, place, error):
        if isinstance(error, MemoryError):
            while errors:
                errors.pop()()
            watch()

    def watch_line(*line):
        lines.append(line)
        watch()

    def watch_memory_error(work):
        errors.append(work)
        watch()

    monitoring.use_tool_id(TOOL, "pymalloc")
    monitoring.register_callback(TOOL, events.LINE, at_line)
    monitoring.register_callback(TOOL, events.RAISE, at_error)
    return watch_line, watch_memory_error

_make_watcher()
`;
