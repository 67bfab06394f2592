/** Real interpreters for tests. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { PyodideLike } from "../../python/install.js";
import { compiledStdlib } from "./stdlib.js";

/** The newest and an older line, by the names of their packages here. */
export const VERSIONS = ["pyodide", "pyodide-029"];

export interface Pyodide extends PyodideLike {
  readonly version: string;
  readonly _module: unknown;
  runPython(code: string): unknown;
  setStderr(options: { write(bytes: Uint8Array): number }): void;
}

/** What Pyodide may be told at its start. */
export interface LoadOptions {
  readonly env?: Record<string, string>;
  readonly [option: string]: unknown;
}

const require = createRequire(import.meta.url);

/** Where the Pyodide of a package is. */
export function folderOf(name: string): string {
  return dirname(require.resolve(`${name}/package.json`));
}

/**
 * An interpreter of the Pyodide in a folder. Its standard library is compiled already, unless the options name another one
 * (`stdLibURL`), and its hashes are always the same, and with them where everything lies.
 */
export async function loadFrom(
  folder: string,
  pythonMalloc?: string,
  { env: more, ...options }: LoadOptions = {},
): Promise<Pyodide> {
  const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide.mjs")).href);
  const word = pythonMalloc ? { PYTHONMALLOC: pythonMalloc } : {};
  const env = { HOME: "/home/pyodide", PYTHONHASHSEED: "0", ...word, ...more };
  return await loadPyodide({ env, stdLibURL: await compiledStdlib(folder), ...options });
}

/** A stock one. */
export async function load(name: string, pythonMalloc?: string): Promise<Pyodide> {
  return await loadFrom(folderOf(name), pythonMalloc);
}

/** What Pyodide's `_loadSnapshot` restores an interpreter from, of one that was loaded with `_makeSnapshot`. */
export function snapshotOf(pyodide: Pyodide): Uint8Array {
  return (pyodide as unknown as { makeMemorySnapshot(): Uint8Array }).makeMemorySnapshot();
}

/** Keeps what a program writes on standard error from now on. */
export function keepStderr(pyodide: Pyodide): () => string {
  const decoder = new TextDecoder();
  let text = "";
  pyodide.setStderr({
    write(bytes) {
      text += decoder.decode(bytes, { stream: true });
      return bytes.length;
    },
  });
  return () => text;
}

/** The error that ends the interpreter, of a kind as `assert.throws` takes it. Pyodide tells of it on the console. */
export function crash(
  pyodide: Pyodide,
  code: string,
  expected: assert.AssertPredicate = WebAssembly.RuntimeError,
): Error {
  const { error: told } = console;
  console.error = () => {};
  try {
    pyodide.runPython(code);
  } catch (error) {
    assert.throws(() => {
      throw error;
    }, expected);
    return error as Error;
  } finally {
    console.error = told;
  }
  assert.fail("it did not end");
}

/** What interpreters do all day; evaluates to a text that every allocator must agree on. */
export const WORKLOAD = `
import collections, dataclasses, decimal, gc, itertools, json, pickle, re, weakref

@dataclasses.dataclass
class Node:
    key: int
    links: list = dataclasses.field(default_factory=list)

def workload():
    rows = [{"id": n, "name": f"row {n}", "tags": [str(n), n * 1.5, None]} for n in range(4000)]
    assert json.loads(json.dumps(rows)) == rows
    assert pickle.loads(pickle.dumps(rows)) == rows
    counts = collections.Counter(re.findall(r"[a-z]+", "the quick brown fox " * 2000))
    total = sum(decimal.Decimal(n) / 7 for n in range(500))
    nodes = [Node(n) for n in range(3000)]
    for one, other in itertools.pairwise(nodes):
        one.links.append(other)
        other.links.append(one)
    alive = weakref.ref(nodes[0])
    del nodes, one, other
    gc.collect()
    assert alive() is None
    big = [bytearray(n * 100) for n in range(300)]
    big = [b + b"x" * 400 for b in big][::2]
    compiled = [compile(f"def f{n}(x): return [x + {n}] * 3", "f", "exec") for n in range(200)]
    return f"{len(rows)} {counts['fox']} {total:.6f} {sum(map(len, big))} {len(compiled)}"

workload()
`;
