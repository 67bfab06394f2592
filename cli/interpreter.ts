/** A CPython to run programs in: Pyodide, with one of the allocators. */
import { writeSync } from "node:fs";
import { parse, relative, resolve, sep } from "node:path";
import { isatty } from "node:tty";
import { programOf } from "../src/hosts/cpython.js";
import { type InstalledPymalloc, install, type PyodideLike } from "../src/hosts/pyodide.js";
import type { FaultHandler } from "../src/options.js";
import type { MallocName } from "../src/types.js";
import { importPyodide } from "./pyodide.js";
import { RUNNER } from "./python.js";

/** Which allocator the interpreter's objects live in; `"linked"` is pymalloc, linked into the interpreter. */
export type AllocatorName = Exclude<MallocName, "default" | "debug"> | "mimalloc" | "linked";

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
  /** Called before the program writes this to a terminal. */
  readonly onTerminalOutput?: (bytes: Uint8Array) => void;
  /** Called before each new arena of pymalloc's. */
  readonly onNewArena?: () => void;
  /** In a debug mode: what becomes of a fault (by default it is thrown), and are stacks kept? */
  readonly onFault?: FaultHandler;
  readonly stacks?: boolean;
}

/** A program, and where its files are to be found. */
export interface Script {
  /** As it was given on the command line. */
  readonly path: string;
  readonly arguments: readonly string[];
  /** Absolute paths of this machine: of the script, and of the current directory. */
  readonly file: string;
  readonly cwd: string;
}

/** The Python functions of `RUNNER`. */
interface Run {
  (path: string, args: readonly string[], directory: string, cwd: string): number;
  /** The same, able to wait in the middle (asyncio.run), where WebAssembly can switch stacks. */
  callPromising(
    path: string,
    args: readonly string[],
    directory: string,
    cwd: string,
  ): Promise<number>;
}
type Finish = () => void;

/** A stream of Pyodide's. */
interface Writer {
  write(bytes: Uint8Array): number;
  readonly isatty?: boolean;
}

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
  setStdin(options: { read(into: Uint8Array): number }): void;
  setStdout(options: Writer): void;
  setStderr(options: Writer): void;
}

interface PyodideModule {
  loadPyodide(options: { env: Record<string, string> }): Promise<Pyodide>;
}

/** The environment for the program: ours without what steers a Python, which would be another one. */
function environment({ allocator, word, env: more }: InterpreterOptions): Record<string, string> {
  const own = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !entry[0].startsWith("PYTHON"),
  );
  const env = { ...Object.fromEntries(own), HOME: "/home/pyodide", ...more };
  const chosen = allocator === "mimalloc" ? allocator : word;
  return chosen === undefined ? env : { ...env, PYTHONMALLOC: chosen };
}

/** Our part of an interpreter: installed, or only looked at where it was linked in; none in those that run on others. */
function heapOf(
  pyodide: Pyodide,
  { allocator, word = "", onNewArena, onFault, stacks }: InterpreterOptions,
): InstalledPymalloc | undefined {
  if (allocator === "malloc" || allocator === "mimalloc") return undefined;
  if (allocator !== "linked")
    return install(pyodide, { malloc: allocator, onNewArena, onFault, stacks });
  return /^(mi)?malloc/.test(word) ? undefined : install(pyodide);
}

/** Directories of the interpreter's own, which nothing may cover. */
const RESERVED = ["/dev", "/home/pyodide", "/lib", "/proc"];

function contains(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && parse(way).root === "");
}

/** Where a directory of this machine is seen by the program: at its own path where that is free. */
function guestPath(path: string, directory: string): string {
  const posix = sep === "/";
  const covers = RESERVED.some((own) => contains(directory, own));
  const inside = relative(directory, path).split(sep).join("/");
  const at = posix && !covers ? directory : "/mnt/host";
  return inside === "" ? at : `${at}/${inside}`;
}

/** The directories to mount: the current one and the script's, or the one that contains both. */
function mountsFor(script: Script): string[] {
  const directories = [script.cwd, resolve(script.file, "..")];
  return directories.filter(
    (path, index) =>
      !directories.some(
        (other, at) => at !== index && contains(other, path) && (other !== path || at < index),
      ),
  );
}

/** Has the program's output to terminals announced. */
function announceOutput(pyodide: Pyodide, announce: (bytes: Uint8Array) => void): void {
  const writer = (fd: number): Writer => ({
    isatty: true,
    write(bytes) {
      announce(bytes);
      return writeSync(fd, bytes);
    },
  });
  if (isatty(1)) pyodide.setStdout(writer(1));
  if (isatty(2)) pyodide.setStderr(writer(2));
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
  readonly #mounts: readonly string[];
  readonly #arguments: readonly string[];
  /** What is left of the standard input, in a run that has begun to read it. */
  #input: Uint8Array | undefined;

  static async load(options: InterpreterOptions): Promise<Interpreter> {
    const { loadPyodide } = await importPyodide<PyodideModule>(options.folder);
    return new Interpreter(await loadPyodide({ env: environment(options) }), options);
  }

  private constructor(pyodide: Pyodide, options: InterpreterOptions) {
    const { allocator, script, streams = {}, onTerminalOutput } = options;
    this.pyodide = pyodide;
    this.allocator = allocator;
    this.version = pyodide.version;
    this.heap = heapOf(pyodide, options);
    this.#mounts = mountsFor(script);
    for (const directory of this.#mounts) {
      const at = guestPath(directory, directory);
      pyodide.FS.mkdirTree(at);
      pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: directory }, at);
    }
    if (onTerminalOutput !== undefined) announceOutput(pyodide, onTerminalOutput);
    this.#connect(pyodide, streams);
    this.#script = script;
    this.#arguments = pyodide.toPy(script.arguments);
    const [run, finish] = pyodide.runPython(RUNNER, { filename: "<pymalloc run>" }) as Iterable<
      Run & Finish
    >;
    this.#run = run as Run;
    this.#finish = finish as Finish;
  }

  #connect(pyodide: Pyodide, { stdin, stdout, stderr }: Streams): void {
    const writer = (write: (bytes: Uint8Array) => void) => ({
      write(bytes: Uint8Array): number {
        write(bytes);
        return bytes.length;
      },
    });
    if (stdout !== undefined) pyodide.setStdout(writer(stdout));
    if (stderr !== undefined) pyodide.setStderr(writer(stderr));
    if (stdin !== undefined) {
      pyodide.setStdin({
        read: (into) => {
          this.#input ??= stdin();
          const part = this.#input.subarray(0, into.length);
          into.set(part);
          this.#input = this.#input.subarray(part.length);
          return part.length;
        },
      });
    }
  }

  /** Runs the program from its start to its end; its exit status. */
  async run(): Promise<number> {
    const { path, file, cwd } = this.#script;
    const seen = (host: string) => {
      const directory = this.#mounts.find((mount) => contains(mount, host)) as string;
      return guestPath(host, directory);
    };
    this.#input = undefined;
    try {
      const argv0 = parse(path).root === "" ? path.split(sep).join("/") : seen(file);
      const where = [argv0, this.#arguments, seen(resolve(file, "..")), seen(cwd)] as const;
      const switches = "Suspending" in WebAssembly;
      const status = switches ? await this.#run.callPromising(...where) : this.#run(...where);
      this.#finish();
      return status;
    } catch (error) {
      // os._exit() ends the interpreter by an exception of Emscripten's.
      const exit = error as { name?: unknown; status?: unknown };
      if (exit.name === "ExitStatus" || exit.name === "Exit") return Number(exit.status ?? 0);
      throw error;
    }
  }

  /** Bytes that the heap has taken from the memory; it never gives any back, so this is its peak. */
  heapBytes(): number {
    const program = programOf(this.pyodide, "heapBytes");
    return program.break() - program.heapBase;
  }
}
