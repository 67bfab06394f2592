/**
 * Our modules as files of the package, `pymalloc/wasm/NAME.wasm`, for hosts that forbid to compile bytes: there the bundler
 * or the host compiles the file, and `createHeap({ modules })` is given what comes of it.
 */
import { isObject, requireKnown, show, typeError } from "./errors.js";
import { arenasModule } from "./generated/arenas.js";
import { coreModule } from "./generated/core.js";
import { debugModule } from "./generated/debug.js";
import { largeModule } from "./generated/large.js";
import { packageVersion } from "./generated/marks.js";
import { objectsModule } from "./generated/objects.js";
import { thunksModule } from "./generated/thunks.js";
import { validateModule } from "./generated/validate.js";

/** One of our modules. */
export interface Binary {
  readonly name: string;
  /** Stands for just these bytes. */
  readonly hash: string;
  /** Its bytes, see base/binary-text.ts; where a host forbids to compile them the build puts the compiled module here. */
  readonly code: string | WebAssembly.Module;
}

const ofHeaps = {
  core: coreModule,
  large: largeModule,
  arenas: arenasModule,
  objects: objectsModule,
  thunks: thunksModule,
  debug: debugModule,
  validate: validateModule,
} satisfies Record<string, Binary>;

/**
 * The compiled modules of a heap, by the names of their files. `core` and `arenas` are needed by each heap, `large` where it has
 * a memory of its own, `objects` for `defineType` and guests, `thunks` for guests that hand in hooks, `debug` by the debug
 * modes, `validate` by `heap.validate()`.
 */
export type HeapModules = {
  readonly [Name in keyof typeof ofHeaps]?: WebAssembly.Module | undefined;
};

/** What a module says that it is, in its section "pymalloc"; undefined where it is none of ours, or no module. */
function idOf(module: WebAssembly.Module): string | undefined {
  try {
    const [section] = WebAssembly.Module.customSections(module, "pymalloc");
    return section && new TextDecoder().decode(section);
  } catch {
    return undefined;
  }
}

/** @throws TypeError that names the module, and the file which was expected */
export function readModules(value: unknown): HeapModules {
  const where = "createHeap: modules";
  if (!isObject(value)) {
    throw typeError(`${where} is ${show(value)}, expected an object of compiled modules`);
  }
  requireKnown(value, Object.keys(ofHeaps), where);
  for (const [name, module] of Object.entries(value as HeapModules)) {
    if (module === undefined) continue;
    const { hash } = ofHeaps[name as keyof HeapModules];
    if (idOf(module) === `pymalloc ${packageVersion} ${name} ${hash}`) continue;
    const given = idOf(module) ?? show(module);
    const expected = `pymalloc/wasm/${name}.wasm of pymalloc ${packageVersion}`;
    throw typeError(`${where}.${name} is ${given}, expected the module of ${expected}`);
  }
  return value;
}
