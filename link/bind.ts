/**
 * A module of ours made ready to go into a program: its imports are bound, numbers as constants and functions by the
 * names that they have in the program, and then it is optimized for those.
 */
import type Binaryen from "binaryen";

export type Api = typeof Binaryen;

/** What a module's imports stand for. */
export interface Bindings {
  /** What the program calls its memory and its function table. */
  readonly memory: string;
  readonly table: string;
  readonly numbers: Readonly<Record<string, number>>;
  /** What the program calls these functions. */
  readonly functions: Readonly<Record<string, string>>;
  /** What it calls those that the module's exports take the place of. */
  readonly replaced: Readonly<Record<string, string>>;
}

/** An import in Binaryen's text: its name, its kind, and its name within the module. */
const IMPORT = /^ \(import "[^"]+" "(\w+)" \((func|global|memory|table) \$([^\s()]+).*\n/gm;

const EXPORT = /^ \(export "(\w+)" \(func \$([^\s()]+)\)\)/gm;

/** Functions up to this size are copied into their callers: so what CPython calls *is* the fast path. */
const INLINED_SIZE = 76;

/** The text of a module with its imports bound: Binaryen has no way to rename within a module. */
function bindText(text: string, bindings: Bindings): string {
  const { memory, table, numbers, functions, replaced } = bindings;
  const names = new Map<string, string>();
  const values = new Map<string, number>();
  const known = { memory: () => memory, table: () => table };
  for (const [, name = "", local = ""] of text.matchAll(EXPORT)) {
    names.set(local, replaced[name] ?? local);
  }
  const imports = text.replace(IMPORT, (line, name: string, kind: string, local: string) => {
    const value = numbers[name];
    const bound = kind === "func" ? functions[name] : known[kind as keyof typeof known]?.();
    if (kind === "global" && value !== undefined) values.set(local, value);
    else if (kind === "global" || bound === undefined) throw new Error(`${name} is not bound`);
    // It may be a function of the module's own, and two imports may stand for one function.
    const isThere = kind === "func" && [...names.values()].includes(bound as string);
    if (bound !== undefined) names.set(local, bound);
    return kind === "global" || isThere ? "" : line;
  });
  return imports
    .replace(/\(global\.get \$([^\s()]+)\)/g, (whole, local) =>
      values.has(local) ? `(i32.const ${values.get(local)})` : whole,
    )
    .replace(/\$([^\s()]+)/g, (whole, local) =>
      names.has(local) ? `$${names.get(local)}` : whole,
    );
}

/** @returns a module whose functions go by the program's names; to be optimized, and to be disposed of */
export function bind(binaryen: Api, bytes: Uint8Array, bindings: Bindings): Binaryen.Module {
  const own = binaryen.readBinary(bytes);
  const bound = binaryen.parseText(bindText(own.emitText(), bindings));
  own.dispose();
  return bound;
}

/** Optimizes a module, with what is called often copied into its callers. */
export function optimize(binaryen: Api, module: Binaryen.Module): void {
  const { BulkMemory, BulkMemoryOpt, MutableGlobals } = binaryen.Features;
  module.setFeatures(BulkMemory | BulkMemoryOpt | MutableGlobals);
  binaryen.setOptimizeLevel(3);
  binaryen.setAlwaysInlineMaxSize(INLINED_SIZE);
  module.optimize();
}
