/** Where the bench has its Python programs and its interpreters, in a page: what `../interpreters.ts` has in Node. */
import type { PyMemError } from "../../base/base.js";
import type { AllocatorName } from "../../interpreter/interpreter.js";
import { RUNNER } from "../../interpreter/runner.js";
import type { Candidate } from "../../measure/measure.js";
import { install, type PyodideLike, programOf } from "../../python/python.js";
import type { Program } from "../interpreters.js";

/** What we use of Pyodide. */
interface Pyodide extends PyodideLike {
  readonly version: string;
  runPython(code: string): Iterable<unknown>;
  toPy(value: unknown): unknown;
  setStdout(options: { write(bytes: Uint8Array): number }): void;
}

interface PyodideModule {
  loadPyodide(options: { indexURL: string; env: Record<string, string> }): Promise<Pyodide>;
}

/** The Python functions of `RUNNER`. */
type Run = (
  path: string,
  content: Uint8Array,
  args: unknown,
  folder: string,
  cwd: string,
  atEnd: undefined,
) => number;
type Finish = (status: number) => number;

const HOME = "/home/pyodide";

/** The programs of a folder, in the order of their names. */
export async function programsIn(folder: string): Promise<Program[]> {
  return await (await fetch(`/${folder}.json`)).json();
}

async function start(allocator: AllocatorName, env: Record<string, string>): Promise<Pyodide> {
  const { loadPyodide }: PyodideModule = await import(`/${allocator}/pyodide.mjs`);
  const own = allocator === "mimalloc" ? { PYTHONMALLOC: allocator } : {};
  const indexURL = new URL(`/${allocator}/`, location.href).href;
  return await loadPyodide({ indexURL, env: { HOME, ...env, ...own } });
}

/** A new interpreter with a program, and these variables in its environment. */
export async function load(
  allocator: AllocatorName,
  { folder, name }: Program,
  env: Record<string, string> = {},
): Promise<Candidate> {
  const response = await fetch(`/${folder}/${name}.py`);
  const content = new Uint8Array(await response.arrayBuffer());
  const pyodide = await start(allocator, env);
  const faults: PyMemError[] = [];
  const heaps: Partial<Record<AllocatorName, () => Candidate["heap"]>> = {
    linked: () => install(pyodide),
    pymalloc: () => install(pyodide),
    pymalloc_debug: () =>
      install(pyodide, { malloc: "pymalloc_debug", onFault: (fault) => void faults.push(fault) }),
  };
  const heap = heaps[allocator]?.();
  const program = programOf(pyodide, "heapBytes");
  const output: number[] = [];
  pyodide.setStdout({
    write(bytes) {
      output.push(...bytes);
      return bytes.length;
    },
  });
  const [run, finish] = pyodide.runPython(RUNNER) as Iterable<unknown> as [Run, Finish];
  const none = pyodide.toPy([]);
  return {
    ...{ allocator, version: pyodide.version, pyodide, heap, faults },
    async run() {
      output.length = 0;
      const started = performance.now();
      const status = finish(run(`${name}.py`, content, none, HOME, HOME, undefined));
      const seconds = (performance.now() - started) / 1000;
      return { status, output: Uint8Array.from(output), seconds };
    },
    heapBytes: () => program.break() - program.heapBase,
  };
}
