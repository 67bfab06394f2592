/** A CPython to run programs in: Pyodide, with one of the allocators. */
import { parse, relative, resolve, sep } from "node:path";
import type { FaultHandler, MallocName } from "../base/base.js";
import {
  CorruptedHeap,
  ExplainedCrash,
  notice,
  type Reader,
  reasonOf,
  type Supervision,
  standardInput,
  standardOutput,
  tell,
  type Writer,
  waitForSignal,
} from "../process/process.js";
import {
  type InstalledPymalloc,
  install,
  linkedLedger,
  type PyodideLike,
  programOf,
} from "../python/python.js";
import { type Look, Looks, polledBuffer } from "./moments.js";
import { loadPyodide } from "./pyodide.js";
import { RUNNER } from "./runner.js";

/** Which allocator the interpreter's objects live in; `"linked"` is pymalloc, linked into the interpreter. */
export type AllocatorName =
  | Exclude<MallocName, "default" | "debug">
  | "mimalloc"
  | "mimalloc_debug"
  | "linked";

/** Is it CPython's own, which it chooses by its PYTHONMALLOC? */
function isMimalloc(name: AllocatorName): name is "mimalloc" | "mimalloc_debug" {
  return name === "mimalloc" || name === "mimalloc_debug";
}

/** Where the program's streams lead; what is left out stays the process's own. */
export interface Streams {
  readonly stdin?: () => Uint8Array;
  readonly stdout?: (bytes: Uint8Array) => void;
  readonly stderr?: (bytes: Uint8Array) => void;
}

export interface InterpreterOptions {
  readonly allocator: AllocatorName;
  readonly script: Script;
  readonly streams?: Streams;
  /** With `"linked"`: the folder of the linked Pyodide, and its PYTHONMALLOC, where it has one. */
  readonly folder?: string;
  readonly word?: string | undefined;
  /** Variables of the program's environment, besides our own. */
  readonly env?: Record<string, string>;
  /** From where signals come for the program; without, it hears of none. */
  readonly supervision?: Supervision | undefined;
  /** Called before the program writes this to a terminal. */
  readonly onTerminalOutput?: (bytes: Uint8Array) => void;
  /** Called before each new arena of pymalloc's. */
  readonly onNewArena?: () => void;
  /** In a debug mode: what becomes of a fault (by default it is thrown), and are stacks kept? */
  readonly onFault?: FaultHandler;
  readonly stacks?: boolean;
  /** Who looks at the memory in the middle of the program. */
  readonly looks?: readonly Look[];
  /** How much memory it may take; none of mimalloc's can be held so. */
  readonly limitBytes?: number | undefined;
}

/** A program, and where its files are to be found. */
export interface Script {
  /** As it was given on the command line. */
  readonly path: string;
  readonly arguments: readonly string[];
  /** Absolute paths of this machine: of the script, and of the current directory. */
  readonly file: string;
  readonly cwd: string;
  /** What it says, where that can be read only once: then its directory is nothing to import from, either. */
  readonly content?: Uint8Array;
}

/** The Python functions of `RUNNER`. */
interface Run {
  (...where: Where): number;
  /** The same, able to wait in the middle (asyncio.run), where WebAssembly can switch stacks. */
  callPromising(...where: Where): Promise<number>;
}
/**
 * The script's name and what it says, if that is not to be read there; its arguments, its directory, the current one; what is
 * to be done at its end.
 */
type Where = [
  path: string,
  content: Uint8Array | undefined,
  args: readonly string[],
  directory: string,
  cwd: string,
  atEnd: (() => void) | undefined,
];
/** Takes the exit status so far, and gives that of the end. */
type Finish = (status: number) => number;

/** What we use of Pyodide. */
interface Pyodide extends PyodideLike {
  readonly version: string;
  readonly FS: {
    mkdirTree(path: string): void;
    mount(type: unknown, options: { root: string }, path: string): void;
    readonly filesystems: { readonly NODEFS: unknown };
  };
  runPython(code: string, options?: { filename: string }): Iterable<unknown>;
  toPy(value: unknown): readonly string[];
  setStdin(options: Reader): void;
  setStdout(options: Writer): void;
  setStderr(options: Writer): void;
  setInterruptBuffer(buffer: Int32Array | undefined): void;
  /** @throws Error that is Python's KeyboardInterrupt where there is a signal */
  checkInterrupt(): void;
  pyimport(name: "time"): { sleep(seconds: unknown): void };
}

/** The environment for the program: ours without what steers a Python, which would be another one. */
function environment({ allocator, word, env: more }: InterpreterOptions): Record<string, string> {
  const own = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !entry[0].startsWith("PYTHON"),
  );
  const env = { ...Object.fromEntries(own), HOME: "/home/pyodide", ...more };
  const chosen = isMimalloc(allocator) ? allocator : word;
  return chosen === undefined ? env : { ...env, PYTHONMALLOC: chosen };
}

/** Is a debug heap linked in, and in force? */
function isPydebug(pyodide: PyodideLike): boolean {
  return linkedLedger(programOf(pyodide, "isPydebug")) !== undefined;
}

/** Our part of an interpreter: installed, or only looked at where it was linked in; none in those that run on others. */
function heapOf(
  pyodide: Pyodide,
  { allocator, word = "", onNewArena, onFault, stacks, limitBytes }: InterpreterOptions,
): InstalledPymalloc | undefined {
  const isLinked = allocator === "linked";
  const isTheirs = isLinked && /^(mi)?malloc/.test(word) && !isPydebug(pyodide);
  if (allocator === "malloc" || isMimalloc(allocator) || isTheirs) {
    if (limitBytes !== undefined) install(pyodide, { malloc: "malloc", limitBytes });
    return undefined;
  }
  if (isLinked) return install(pyodide, { limitBytes, onFault });
  return install(pyodide, { malloc: allocator, onNewArena, onFault, stacks, limitBytes });
}

/** Directories of the interpreter's own, which nothing may cover. */
const RESERVED = ["/dev", "/home/pyodide", "/lib", "/proc"];

function contains(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && parse(way).root === "");
}

/**
 * The directories to mount, the current one and the script's or the one that contains both, and where the program sees
 * them: at their own paths where these are free.
 */
function mountsFor({ cwd, file, content }: Script): Map<string, string> {
  const directories = content === undefined ? [cwd, resolve(file, "..")] : [cwd];
  const outermost = directories.filter(
    (path, index) =>
      !directories.some(
        (other, at) => at !== index && contains(other, path) && (other !== path || at < index),
      ),
  );
  const isFree = (path: string) => sep === "/" && !RESERVED.some((own) => contains(path, own));
  return new Map(
    outermost.map((path, n) => [path, isFree(path) ? path : `/mnt/host${n === 0 ? "" : n + 1}`]),
  );
}

/** Has `time.sleep` wait where signals are heard: Emscripten's own loop hears none, and keeps a processor busy. */
function hearWhileSleeping(
  pyodide: Pyodide,
  supervision: Supervision,
  poll: (() => void) | undefined,
): void {
  const time = pyodide.pyimport("time");
  const { sleep } = time;
  time.sleep = (seconds) => {
    // Everything else is told by Python what is wrong with it.
    if (typeof seconds !== "number" || !(seconds > 0)) return sleep(seconds);
    const end = performance.now() + 1000 * seconds;
    for (let left = 1000 * seconds; left > 0; left = end - performance.now()) {
      if (waitForSignal(supervision, left, poll)) pyodide.checkInterrupt();
    }
  };
}

/** The file that our own Python seems to be in. */
const OWN_NAME = "<pymalloc run>";

/** What runs the program is of no interest where the program went wrong. */
export const OWN_FRAMES = /^ +File "<pymalloc run>".*\n/gm;

/** The status of a program that ended by an exception of JavaScript's. @throws the exception, if it is no end */
function statusOf(error: unknown): number {
  const { name, type, status, message } = error as Record<string, unknown>;
  // os._exit() ends the interpreter by an exception of Emscripten's.
  if (name === "ExitStatus" || name === "Exit") return Number(status ?? 0);
  // A program may leave a Python behind in which not even the telling of exceptions works.
  if (name !== "PythonError") throw error;
  tell(String(message).replace(OWN_FRAMES, ""));
  return type === "KeyboardInterrupt" ? 130 : 1;
}

/** Has the interpreter died of it? Pyodide marks what that is. */
function isCrash(error: unknown): error is Error {
  return error instanceof Error && "pyodide_fatal_error" in error;
}

/** One interpreter in this process. Any number can live side by side. */
export class Interpreter {
  readonly allocator: AllocatorName;
  readonly version: string;
  /** pymalloc's books, where it is installed. */
  readonly heap: InstalledPymalloc | undefined;
  readonly pyodide: PyodideLike;
  readonly #run: Run;
  readonly #finish: Finish;
  readonly #script: Script;
  readonly #supervision: Supervision | undefined;
  readonly #looks: Looks;
  /** Has the end been looked at? */
  #ended = false;
  /** Directories of this machine, and where the program sees them. */
  readonly #mounts: ReadonlyMap<string, string>;
  readonly #arguments: readonly string[];
  /** What is left of the standard input, in a run that has begun to read it. */
  #input: Uint8Array | undefined;

  /** @throws UsageError where there is no Pyodide, or none that starts */
  static async load(options: InterpreterOptions): Promise<Interpreter> {
    const pyodide = await loadPyodide<Pyodide>(environment(options), options.folder);
    return new Interpreter(pyodide, options);
  }

  private constructor(pyodide: Pyodide, options: InterpreterOptions) {
    const { allocator, script, supervision, looks = [] } = options;
    this.pyodide = pyodide;
    this.allocator = allocator;
    this.version = pyodide.version;
    this.heap = heapOf(pyodide, options);
    this.#mounts = mountsFor(script);
    for (const [directory, at] of this.#mounts) {
      pyodide.FS.mkdirTree(at);
      pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: directory }, at);
    }
    this.#supervision = supervision;
    this.#looks = new Looks(looks, () => this.heapBytes(), supervision?.words);
    if (supervision !== undefined) hearWhileSleeping(pyodide, supervision, this.#looks.poll);
    this.#connect(pyodide, options);
    this.#script = script;
    this.#arguments = pyodide.toPy(script.arguments);
    const [run, finish] = pyodide.runPython(RUNNER, { filename: OWN_NAME }) as Iterable<
      Run & Finish
    >;
    this.#run = run as Run;
    this.#finish = finish as Finish;
  }

  #connect(pyodide: Pyodide, options: InterpreterOptions): void {
    const { streams: { stdin, stdout, stderr } = {}, supervision, onTerminalOutput } = options;
    const writer = (write: (bytes: Uint8Array) => void): Writer => ({
      write(bytes) {
        write(bytes);
        return bytes.length;
      },
    });
    const kept = (read: () => Uint8Array): Reader => ({
      isatty: false,
      read: (into) => {
        this.#input ??= read();
        const part = this.#input.subarray(0, into.length);
        into.set(part);
        this.#input = this.#input.subarray(part.length);
        return part.length;
      },
    });
    pyodide.setStdin(
      stdin === undefined ? standardInput(supervision, this.#looks.poll) : kept(stdin),
    );
    pyodide.setStdout(stdout ? writer(stdout) : standardOutput(1, onTerminalOutput));
    pyodide.setStderr(stderr ? writer(stderr) : standardOutput(2, onTerminalOutput));
  }

  /** Where the program sees a path of this machine. */
  #seen(path: string): string {
    for (const [directory, at] of this.#mounts) {
      if (!contains(directory, path)) continue;
      const inside = relative(directory, path).split(sep).join("/");
      return inside === "" ? at : `${at}/${inside}`;
    }
    return path;
  }

  /** Is SIGINT the program's? */
  #hearSignals(hear: boolean): void {
    const { poll } = this.#looks;
    const words = this.#supervision?.words;
    const buffer = poll === undefined ? words : polledBuffer(words, poll);
    if (buffer === undefined) return;
    if (hear) (this.pyodide as Pyodide).setInterruptBuffer(buffer);
    notice({ kind: "python", runs: hear });
  }

  #atEnd(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#looks.come("end");
  }

  /** Runs the program from its start to its end; its exit status. */
  async run(): Promise<number> {
    const { path, file, cwd, content } = this.#script;
    const argv0 = parse(path).root === "" ? path.split(sep).join("/") : this.#seen(file);
    const directory = this.#seen(resolve(file, ".."));
    // Without anybody who looks, no object is made for it: a recorded program asks for just what is its own.
    const atEnd = this.#looks.has("end") ? () => this.#atEnd() : undefined;
    const where: Where = [argv0, content, this.#arguments, directory, this.#seen(cwd), atEnd];
    this.#input = undefined;
    this.#ended = false;
    const pyodide = this.pyodide as Pyodide;
    const python = (code: string) => pyodide.runPython(code, { filename: OWN_NAME });
    this.#looks.watch(python, (name) => this.#seen(resolve(cwd, name)));
    this.#hearSignals(true);
    try {
      const switches = "Suspending" in WebAssembly;
      const status = switches ? await this.#run.callPromising(...where) : this.#run(...where);
      return this.#finish(status);
    } catch (error) {
      return this.#statusOf(error);
    } finally {
      this.#hearSignals(false);
    }
  }

  /** The status of a program that ended by an exception of JavaScript's. @throws the exception, if it is no end */
  #statusOf(error: unknown): number {
    try {
      const status = statusOf(error);
      // os._exit() leaves everything as it is.
      this.#atEnd();
      return status;
    } catch (failure) {
      if (isCrash(failure)) this.crashed();
      throw failure;
    }
  }

  /** Has those look who wait for a crash: also for whoever ends the program at a mistake. */
  crashed(): void {
    this.#looks.come("crash");
  }

  /** A crash with what the debug mode has to say of it, where one is on; any other error as it is. */
  explained(error: unknown): unknown {
    const isDebug = /_debug$/.test(this.allocator) || isPydebug(this.pyodide);
    if (!isCrash(error) || !isDebug) return error;
    return new ExplainedCrash(error, this.heap?.explainCrash()?.replace(OWN_FRAMES, ""));
  }

  /** Looks the heap over, where it is ours. @throws CorruptedHeap at the first thing that is not in order */
  validate(): void {
    try {
      this.heap?.validate();
    } catch (error) {
      throw new CorruptedHeap(reasonOf(error));
    }
  }

  /** Bytes that the heap has taken from the memory; it never gives any back, so this is its peak. */
  heapBytes(): number {
    const program = programOf(this.pyodide, "heapBytes");
    return program.break() - program.heapBase;
  }
}

export type { Look, Moment } from "./moments.js";
export {
  findFile,
  linkedPyodideFolder,
  loadPyodide,
  pyodideFile,
  pyodideFolder,
  tellingLeftovers,
} from "./pyodide.js";
