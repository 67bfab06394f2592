/** Who made the PyProxies of an interpreter: for each that lives the JavaScript and the Python that ran when it was made. */
import { type Address, unsigned } from "../base/base.js";
import type { EmscriptenProgram } from "../hosts/hosts.js";
import { formatPythonStack, PythonStackReader } from "./frames.js";

/** A PyProxy, or a callable made from Python, that holds a Python object. */
export interface TracedProxy {
  /** What Pyodide has once for a proxy and all that share its object: `shared`. Of a callable it is itself. */
  readonly holder: object;
  /** The Python object that it holds. */
  readonly object: Address;
  /** The lines of JavaScript's stack without those of Pyodide, then Python's, innermost first each; empty where none are known. */
  readonly stack: string;
}

/** What Pyodide's `Module` has that is asked here: the same in its lines 0.27 to 314. */
interface PyodideModule {
  finalizationRegistry: Registry;
  pyproxy_new(object: Address, options?: MakeOptions): unknown;
  PyProxy_getAttrsQuiet(proxy: unknown): { readonly shared: Shared };
}

interface MakeOptions {
  /** Is the proxy registered? By default it is. */
  readonly gcRegister?: boolean | number;
}

/** Proxies are registered with what holds the object, to give it back when JavaScript has collected them. */
interface Registry {
  register(holder: object, held: Held, token?: object): void;
  unregister(token: object): void;
}

/** What is given back: as an object, or in a list with the object first. */
type Held = { readonly ptr: Address } | readonly [Address, ...unknown[]];

/** 0 once the proxy was destroyed. */
interface Shared {
  readonly ptr: Address;
}

interface Entry {
  readonly holder: WeakRef<object>;
  readonly object: Address;
  readonly stack: string;
}

/** The name of the property of Emscripten's `Module` where it is: every copy of this package sees it. */
const MARK = "pymalloc_proxies";

enum Most {
  lines = 8,
  frames = 4,
  read = 25,
}

/** Pyodide's code, in its files and in WebAssembly, as the stacks of all engines have it, and our function that it calls. */
const OF_PYODIDE = /wasm|[/\\]pyodide(\.asm)?\.m?js|pyproxy_new/;

/** Python's code that runs a program. */
const OF_RUNNER = /[/\\]_pyodide[/\\]/;

/** Does the engine have a stack's length to set? V8 has: it keeps 10 lines otherwise, all of them Python's evaluation. */
const LIMITED = Error as { stackTraceLimit?: number };

/** The lines that are a program's own. */
function ownLines(stack: string): string[] {
  const lines = stack.split("\n").filter((line) => /:\d+/.test(line));
  // What comes before Pyodide's first line is this file.
  const pyodide = lines.findIndex((line) => OF_PYODIDE.test(line));
  return lines
    .slice(pyodide + 1)
    .filter((line) => !OF_PYODIDE.test(line))
    .slice(0, Most.lines)
    .map((line) => line.trim());
}

/** Notes proxies when they are made. Nothing keeps a proxy alive. */
class ProxyTrace {
  readonly #entries = new Set<Entry>();
  /** The entries by what Pyodide unregisters them with. */
  readonly #byToken = new WeakMap<object, Entry>();
  readonly #reader: PythonStackReader;
  /** How many entries there may be before those of dead proxies are dropped. */
  #room = 1024;

  constructor(program: EmscriptenProgram) {
    this.#reader = new PythonStackReader(program);
  }

  note(holder: object, object: Address, token: object): void {
    if (this.#byToken.has(token)) return;
    const entry = { holder: new WeakRef(holder), object: unsigned(object), stack: this.#stack() };
    this.#entries.add(entry);
    this.#byToken.set(token, entry);
    if (this.#entries.size > this.#room) this.#room = Math.max(1024, 2 * this.list().length);
  }

  forget(token: object): void {
    const entry = this.#byToken.get(token);
    if (entry === undefined) return;
    this.#entries.delete(entry);
    this.#byToken.delete(token);
  }

  /** Those that live. */
  list(): TracedProxy[] {
    const living: TracedProxy[] = [];
    for (const entry of this.#entries) {
      const holder = entry.holder.deref();
      if (holder === undefined || (holder as Partial<Shared>).ptr === 0) {
        this.#entries.delete(entry);
      } else living.push({ holder, object: entry.object, stack: entry.stack });
    }
    return living;
  }

  #stack(): string {
    const limit = LIMITED.stackTraceLimit;
    if (limit !== undefined) LIMITED.stackTraceLimit = Most.read;
    const { stack = "" } = new Error();
    if (limit !== undefined) LIMITED.stackTraceLimit = limit;
    const python = this.#reader.read(Most.frames).filter(({ file }) => !OF_RUNNER.test(file));
    const lines = formatPythonStack(python).split("\n");
    return [...ownLines(stack), ...lines.map((line) => line.trim())].join("\n").trim();
  }
}

function traceOf({ module }: EmscriptenProgram): ProxyTrace | undefined {
  return (module as Record<string, ProxyTrace | undefined>)[MARK];
}

/**
 * Begins to note who makes proxies, for the lifetime of the interpreter: tens of microseconds a proxy, for the text of the stack.
 * Those that there are already stay unknown.
 */
export function traceProxies(program: EmscriptenProgram): void {
  if (traceOf(program) !== undefined) return;
  const trace = new ProxyTrace(program);
  const module = program.module as PyodideModule;
  const { finalizationRegistry: registry, pyproxy_new: make } = module;
  // Nearly all proxies are registered, whoever makes them.
  module.finalizationRegistry = {
    register(holder, held, token = holder) {
      registry.register(holder, held, token);
      trace.note(holder, "ptr" in held ? held.ptr : held[0], token);
    },
    unregister(token) {
      registry.unregister(token);
      trace.forget(token);
    },
  };
  // Those that JavaScript has for the time of a call are not. The name of the method shows in stacks.
  Object.assign(module, {
    pyproxy_new(object: Address, options?: MakeOptions): unknown {
      const proxy = make.call(module, object, options);
      // WebAssembly has numbers for true and false.
      if (Number(options?.gcRegister ?? 1) === 0) {
        const { shared } = module.PyProxy_getAttrsQuiet(proxy);
        trace.note(shared, shared.ptr, shared);
      }
      return proxy;
    },
  });
  Object.defineProperty(module, MARK, { value: trace });
}

/** The proxies that live and were noted; none where nobody notes them. */
export function tracedProxies(program: EmscriptenProgram): TracedProxy[] {
  return traceOf(program)?.list() ?? [];
}
