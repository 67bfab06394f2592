/** Guests with the core linked into them: made of programs in C, run, and looked at from outside. */
import assert from "node:assert/strict";
import { linkGuest } from "../../link/index.js";
import { validateHeap } from "../../src/report/broken-invariant.js";
import { type Build, buildGuest, type Exports, exportsOf, wasi } from "./guests.js";

/** A linked guest in this process. */
export class LinkedGuest {
  readonly bytes: Uint8Array;
  readonly instance: WebAssembly.Instance;
  readonly exports: Exports;

  constructor(bytes: Uint8Array, imports: WebAssembly.Imports = { wasi_snapshot_preview1: wasi }) {
    this.bytes = bytes;
    this.instance = new WebAssembly.Instance(
      new WebAssembly.Module(bytes as BufferSource),
      imports,
    );
    this.exports = exportsOf(this.instance);
    this.exports["_initialize"]?.();
  }

  get memory(): WebAssembly.Memory {
    return this.instance.exports["memory"] as WebAssembly.Memory;
  }

  get root(): number {
    return (this.instance.exports["pymalloc_root"] as WebAssembly.Global).value as number;
  }

  /** Calls what it exports. */
  call(name: string, ...args: number[]): number {
    const found = this.exports[name];
    assert.ok(found !== undefined, name);
    return found(...args);
  }

  /** A text of C's at an address. */
  textAt(p: number): string {
    const bytes = new Uint8Array(this.memory.buffer);
    return new TextDecoder().decode(bytes.subarray(p >>> 0, bytes.indexOf(0, p >>> 0)));
  }

  /** The report of the fault that ended it; "" where there is none. */
  report(): string {
    const p = this.call("pymalloc_report");
    return p === 0 ? "" : this.textAt(p);
  }

  /** @throws PyMemError where an invariant of the heap is broken */
  validate(): void {
    validateHeap(this.memory, this.root);
  }
}

/** What this process has linked, by all that it was made of. */
const linked = new Map<string, Promise<Uint8Array>>();

/** A program of test/guests/programs, linked (once) and instantiated. */
export async function linkedGuest(
  files: readonly string[],
  build: Build = {},
  withPydebug = false,
): Promise<LinkedGuest> {
  const key = JSON.stringify([files, build, withPydebug]);
  const bytes = linked.get(key) ?? linkGuest(buildGuest(files, build), { withPydebug });
  linked.set(key, bytes);
  return new LinkedGuest(await bytes);
}

/** What a module imports, by module and name. */
export function importsOf(bytes: Uint8Array): string[] {
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes as BufferSource));
  return imports.map(({ module, name }) => `${module}.${name}`);
}

/** The bytes of a module without names, sources and other custom sections. */
export function bytesWithoutCustom(bytes: Uint8Array): number {
  let sum = 8;
  for (let from = 8; from < bytes.length; ) {
    let at = from + 1;
    let length = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++] as number;
      length += (byte & 127) * scale;
      if (byte < 128) break;
    }
    if (bytes[from] !== 0) sum += at + length - from;
    from = at + length;
  }
  return sum;
}
