/** What lies on the border to JavaScript: PyProxies, with which it holds Python's objects, and what Python holds of its. */
import {
  type PyodideLike,
  programOf,
  type TracedProxy,
  tracedProxies,
} from "../../python/python.js";
import type { ImageMarks, JsHolder, ProxyMark } from "../memory/memory.js";
import type { Root } from "./root.js";

/** What Pyodide's `Module` has that is asked here. A line without it gives less. */
interface PyodideModule {
  /** The attributes of a PyProxy; undefined of anything else. */
  PyProxy_getAttrsQuiet?(value: unknown): { readonly shared?: { readonly ptr?: number } };
  /** How many values the table has. */
  _hiwire_num_refs?(): number;
  /** The state of a place in the table: its lowest bit is set where there is a value. */
  __hiwire_slot_info?(index: number): number;
  __hiwire_get?(index: number): unknown;
}

/** Bounds of what is looked at: a value of JavaScript's may be anything. */
enum Most {
  values = 1 << 20,
  gaps = 1 << 20,
  depth = 2,
  properties = 1000,
  text = 60,
}

/** How many objects are looked into: of one value of the table, and in all. */
enum Visits {
  value = 4096,
  all = 1 << 17,
}

type Holder = TracedProxy["holder"];

/** Looks at what is JavaScript's without running any of Python's, and of a program's only what its own proxies run. */
class Border {
  readonly #module: PyodideModule;
  /** The proxies by what Pyodide has once for each. */
  readonly #proxies = new Map<Holder, ProxyMark & { readonly heldBy: JsHolder[] }>();
  readonly #texts: Record<number, string> = {};
  #visits = 0;
  #allVisits = 0;

  constructor(module: PyodideModule, traced: readonly TracedProxy[]) {
    this.#module = module;
    for (const { holder, object, stack } of traced) {
      this.#proxies.set(holder, { object, stack, heldBy: [] });
    }
  }

  marks(): Pick<ImageMarks, "proxies" | "jsValues"> {
    this.#eachValue((value, index) => {
      this.#texts[index] = this.#textOf(value);
      this.#visits = 0;
      if (this.#allVisits < Visits.all) this.#find(value, index, "", Most.depth);
      this.#allVisits += this.#visits;
    });
    return { proxies: [...this.#proxies.values()], jsValues: this.#texts };
  }

  /** The values in the table of those that Python has, and their places. */
  #eachValue(see: (value: unknown, index: number) => void): void {
    const { _hiwire_num_refs: count, __hiwire_slot_info: info, __hiwire_get: get } = this.#module;
    if (count === undefined || info === undefined || get === undefined) return;
    const values = Math.min(count(), Most.values);
    for (let index = 1, seen = 0; seen < values && index < values + Most.gaps; index++) {
      if ((info(index) & 1) === 0) continue;
      seen++;
      try {
        see(get(index), index);
      } catch {
        // Beyond the end of the table; or a program's own Proxy refused.
      }
    }
  }

  /** The object that a PyProxy holds, and what Pyodide has of it; undefined for anything else. */
  #proxyOf(value: unknown): { readonly shared: Holder; readonly ptr: number } | undefined {
    const shared = this.#module.PyProxy_getAttrsQuiet?.(value)?.shared;
    return shared?.ptr ? { shared, ptr: shared.ptr >>> 0 } : undefined;
  }

  /** Notes the PyProxies in a value, and in what it has. @param name how one comes from the value in the table to this one */
  #find(value: unknown, index: number, name: string, depth: number): void {
    if ((typeof value !== "object" && typeof value !== "function") || value === null) return;
    if (++this.#visits > Visits.value) return;
    const proxy = this.#proxyOf(value);
    if (proxy !== undefined) {
      const known = this.#proxies.get(proxy.shared) ?? { object: proxy.ptr, stack: "", heldBy: [] };
      this.#proxies.set(proxy.shared, known);
      known.heldBy.push({ value: index, name });
      return;
    }
    if (depth === 0) return;
    let left: number = Most.properties;
    if (value instanceof Map || value instanceof Set) {
      for (const [key, item] of value.entries()) {
        if (left-- === 0) break;
        if (key !== item) this.#find(key, index, `${name}.key`, depth - 1);
        this.#find(item, index, `${name}.get(${shortText(key)})`, depth - 1);
      }
    }
    if (ArrayBuffer.isView(value)) return;
    for (const key of Reflect.ownKeys(value)) {
      if (left-- <= 0) break;
      const item = ownValue(value, key);
      if (item === undefined || item === value) continue;
      const step = /^\d+$/.test(String(key)) ? `[${String(key)}]` : `.${String(key)}`;
      this.#find(item, index, name + step, depth - 1);
    }
  }

  /** `Array(3)`, `HTMLDivElement`, `function onClick`. */
  #textOf(value: unknown): string {
    if (this.#proxyOf(value) !== undefined) return "PyProxy";
    if (typeof value === "function") return `function ${nameOf(value)}`.trim().slice(0, Most.text);
    if (typeof value !== "object" || value === null) return shortText(value);
    const name = nameOf(ownValue(Object.getPrototypeOf(value), "constructor")) || "Object";
    return (name + sizeText(value)).slice(0, Most.text);
  }
}

function ownValue(value: unknown, key: PropertyKey): unknown {
  if (value === null || value === undefined) return undefined;
  return Object.getOwnPropertyDescriptor(value, key)?.value;
}

/** The name of a function, without asking it. */
function nameOf(value: unknown): string {
  const name = ownValue(value, "name");
  return typeof name === "string" ? name : "";
}

function sizeText(value: object): string {
  if (Array.isArray(value)) return `(${value.length})`;
  if (value instanceof Map || value instanceof Set) return `(${value.size})`;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer)
    return `(${value.byteLength} bytes)`;
  return "";
}

function shortText(value: unknown): string {
  const isPlain = typeof value === "string" || typeof value === "number";
  return isPlain ? JSON.stringify(value).slice(0, Most.text) : typeof value;
}

/**
 * What JavaScript and a running Python hold of each other, for `captureImage`: no Python runs for it. Of the PyProxies it knows
 * those that are noted (`install(pyodide, { traceProxies: true })`), and those that a value of JavaScript's which Python has is,
 * or has among its properties, two steps deep.
 *
 * @param where begins the message of the error
 * @throws TypeError for what is no Pyodide
 */
export function javascriptMarks(
  pyodide: PyodideLike,
  where = "javascriptMarks",
): Pick<ImageMarks, "proxies" | "jsValues"> {
  const program = programOf(pyodide, where);
  return new Border(program.module as PyodideModule, tracedProxies(program)).marks();
}

/**
 * The roots that PyProxies are: those that were noted. What is known of the others is that a value of JavaScript's holds them,
 * which Python has.
 */
export function proxyRoots(proxies: readonly ProxyMark[]): Root[] {
  const roots = proxies.filter(({ stack, heldBy = [] }) => stack !== "" || heldBy.length === 0);
  return roots.map(({ object, stack }) => ({
    group: "JavaScript",
    name: stack === "" ? "PyProxy" : `PyProxy (made at ${placesIn(stack)})`,
    address: object,
  }));
}

/** The innermost places in a stack: JavaScript's, and Python's where it ran. `main.js:12, Python app.py:3`. */
function placesIn(stack: string): string {
  const javascript = /([^/\\\s()@"]+:\d+)(?::\d+)\)?$/m.exec(stack)?.[1];
  const python = /^File "(?:.*[/\\])?([^"]*)", line (\d+)/m.exec(stack);
  const places = [javascript, python === null ? undefined : `Python ${python[1]}:${python[2]}`];
  return places.filter((place) => place !== undefined).join(", ");
}

/** The place in the table of values of a reference that a JsProxy has (`HwRef`); 0 for none. */
export function jsIndexOf(reference: number): number {
  return (reference & 1) === 0 ? 0 : (reference & 0x03fffffe) >>> 1;
}
