/** Our functions go into a program, and into the place of its own. */
import type Binaryen from "binaryen";
import { type Address, bytesOf, layoutMark, linkedLayout, linkedModule } from "../base/base.js";
import { type Api, bind, optimize } from "./bind.js";
import { withData } from "./memory.js";
import type { Survey } from "./survey.js";
import { foreignText, inWords, layOutTexts } from "./texts.js";

/** Functions of the program that ours call, by what ours import them as. */
const CALLED = {
  tableRealloc: "realloc",
  systemMalloc: "malloc",
  systemCalloc: "calloc",
  systemRealloc: "realloc",
  systemFree: "free",
  systemMemalign: "memalign",
  sbrk: "sbrk",
  write: "write",
  PyBool_FromLong: "PyBool_FromLong",
  PyLong_FromSize_t: "PyLong_FromSize_t",
  theirAddObject: "PyModule_AddObjectRef",
};

/** ... and those that ours stand in front of. */
const SHADOWED = {
  callConstructors: "__wasm_call_ctors",
  environmentValue: "getenv",
  theirAllocatorName: "_PyMem_GetCurrentAllocatorName",
};

/** The linked core's raw domain and arena allocator are its own. */
const OWN = {
  malloc: "core/linked/kept/keptMalloc",
  calloc: "core/linked/kept/keptCalloc",
  realloc: "core/linked/kept/keptRealloc",
  free: "core/linked/kept/keptFree",
  tableFree: "core/linked/foundation/tableFree",
  arenaAlloc: "core/linked/foundation/arenaAlloc",
  arenaFree: "core/linked/foundation/arenaFree",
};

const FAMILIES = ["PyObject_", "PyMem_", "PyMem_Raw"].flatMap((prefix) =>
  ["Malloc", "Calloc", "Realloc", "Free"].map((verb) => prefix + verb),
);

/** Our functions, and the exported ones whose place they take. */
const REPLACED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(FAMILIES.map((name) => [name, name])),
  constructors: "__wasm_call_ctors",
  getenv: "getenv",
  allocatorName: "_PyMem_GetCurrentAllocatorName",
};

/** Our functions that other modules get for the program's; those who call it in the program itself go on as before. */
const FOR_OTHERS = { addObject: "PyModule_AddObjectRef" };

/** Our functions that are called through the table, by what ours import their places as. */
const IN_TABLE = {
  pyMallocIndex: "pyMalloc",
  pyCallocIndex: "pyCalloc",
  pyReallocIndex: "pyRealloc",
  pyFreeIndex: "pyFree",
  countedMallocIndex: "countedMalloc",
  countedCallocIndex: "countedCalloc",
  countedReallocIndex: "countedRealloc",
  countedFreeIndex: "countedFree",
  blocksIndex: "blocksOfSys",
  statsIndex: "statsOfSys",
};

/** The addresses and places in the table that the linked core has as constants. */
function numbersFor(found: Survey): Record<string, number> {
  const places = Object.keys(IN_TABLE).map((name, at) => [name, found.tableLength + at]);
  return {
    root: found.heapBase,
    layoutMark,
    rawRecord: found.records.raw,
    memRecord: found.records.mem,
    objectRecord: found.records.object,
    systemMallocIndex: found.system.malloc,
    systemCallocIndex: found.system.calloc,
    systemReallocIndex: found.system.realloc,
    systemFreeIndex: found.system.free,
    blocksMethod: found.methods.getallocatedblocks,
    statsMethod: found.methods._debugmallocstats,
    ...Object.fromEntries(places),
  };
}

/** What a module calls the functions that it exports, and what it exports them as. */
function exportedFunctions(binaryen: Api, module: Binaryen.Module): Map<string, string> {
  const exported = new Map<string, string>();
  for (let at = 0; at < module.getNumExports(); at++) {
    const { name, value, kind } = binaryen.getExportInfo(module.getExportByIndex(at));
    if (kind === binaryen.ExternalFunction) exported.set(value, name);
  }
  return exported;
}

/** The program, while ours go into it. */
class Graft {
  readonly #binaryen: Api;
  readonly #program: Binaryen.Module;
  readonly #memory: string;
  readonly #table: string;
  /** What the program calls the functions that ours take the place of. */
  readonly #replaced: Readonly<Record<string, string>>;
  /** What the program calls our exported functions. */
  readonly #ours = new Map<string, string>();

  constructor(binaryen: Api, bytes: Uint8Array, found: Survey) {
    this.#binaryen = binaryen;
    this.#program = binaryen.readBinary(bytes);
    // What Binaryen calls the first memory that is imported.
    this.#memory = found.ownsMemory ? this.nameOf("memory") : "mimport$0";
    this.#table = binaryen.getTableInfo(this.#program.getTableByIndex(0)).name;
    this.#replaced = this.namesOf(REPLACED);
  }

  /** What the program calls what it exports. */
  nameOf(exported: string): string {
    return this.#binaryen.getExportInfo(this.#program.getExport(exported)).value;
  }

  /** The program's names of the exported functions that these stand for. */
  namesOf(functions: Readonly<Record<string, string>>): Record<string, string> {
    const names = Object.entries(functions).map(([key, name]) => [key, this.nameOf(name)]);
    return Object.fromEntries(names);
  }

  #infoOf(name: string): Binaryen.FunctionInfo {
    return this.#binaryen.getFunctionInfo(this.#program.getFunction(name));
  }

  #add(name: string, { params, results, vars, body }: Binaryen.FunctionInfo): void {
    const program = this.#program;
    program.addFunction(name, params, results, vars, program.copyExpression(body));
  }

  /** Keeps the functions that ours stand in front of, under other names. */
  shadow(functions: Readonly<Record<string, string>>): Record<string, string> {
    const shadowed = Object.entries(functions).map(([key, exported]) => {
      const name = this.nameOf(exported);
      this.#add(`pymalloc/${key}`, this.#infoOf(name));
      return [key, `pymalloc/${key}`];
    });
    return Object.fromEntries(shadowed);
  }

  /**
   * Puts the functions of a module into the program, in the place of those that they replace.
   */
  insert(
    bytes: Uint8Array,
    numbers: Readonly<Record<string, number>>,
    functions: Readonly<Record<string, string>>,
  ): void {
    const binaryen = this.#binaryen;
    const program = this.#program;
    const names = { memory: this.#memory, table: this.#table };
    const module = bind(binaryen, bytes, {
      ...names,
      numbers,
      functions,
      replaced: this.#replaced,
    });
    optimize(binaryen, module);
    for (const [name, exported] of exportedFunctions(binaryen, module))
      this.#ours.set(exported, name);
    for (let at = 0; at < module.getNumGlobals(); at++) {
      const { name, type, mutable, init } = binaryen.getGlobalInfo(module.getGlobalByIndex(at));
      program.addGlobal(name, type, mutable, program.copyExpression(init));
    }
    for (let at = 0; at < module.getNumFunctions(); at++) {
      const info = binaryen.getFunctionInfo(module.getFunctionByIndex(at));
      if (info.base) continue;
      if (program.getFunction(info.name) !== 0) program.removeFunction(info.name);
      this.#add(info.name, info);
    }
    module.dispose();
  }

  /** Adds a function of ours that takes and returns nothing; what the program calls it. */
  #addAction(name: string, body: number): string {
    const { none } = this.#binaryen;
    this.#program.addFunction(`pymalloc/${name}`, none, none, [], body);
    return `pymalloc/${name}`;
  }

  /** Adds a function that writes a text at an address; what the program calls it. */
  writer(text: string, address: Address): string {
    const { i32, i64, block } = this.#program;
    const words = new BigInt64Array(inWords(text).buffer);
    const stores = Array.from(words, (word, at) =>
      i64.store(0, 8, i32.const(address + 8 * at), i64.const(word), this.#memory),
    );
    return this.#addAction("writer", block(null, stores));
  }

  /** What happens when the program is instantiated: our table entries are added. */
  start(found: Survey): void {
    const binaryen = this.#binaryen;
    const program = this.#program;
    const { i32, table, ref } = program;
    const functions = Object.values(IN_TABLE).map((name) => this.#ours.get(name) as string);
    // A function must be in a segment to be named in code.
    program.addPassiveElementSegment("pymalloc/table", functions);
    const grown = table.grow(this.#table, ref.null(binaryen.funcref), i32.const(functions.length));
    const entries = functions.map((name, at) => {
      const place = i32.const(found.tableLength + at);
      return table.set(this.#table, place, ref.func(name, this.#infoOf(name).type));
    });
    const theirs = program.getStart();
    const next =
      theirs === 0 ? [] : [program.call(binaryen.getFunctionInfo(theirs).name, [], binaryen.none)];
    const body = program.block(null, [program.drop(grown), ...entries, ...next]);
    program.setStart(program.getFunction(this.#addAction("start", body)));
  }

  /** Exports functions of ours under the names of others. */
  exportForOthers(functions: Readonly<Record<string, string>>): void {
    for (const [own, exported] of Object.entries(functions)) {
      this.#program.removeExport(exported);
      this.#program.addFunctionExport(this.#ours.get(own) as string, exported);
    }
  }

  /** Exports a number, as an address is exported. */
  export(name: string, value: number): void {
    const { i32 } = this.#program;
    this.#program.addGlobal(`pymalloc/${name}`, this.#binaryen.i32, false, i32.const(value));
    this.#program.addGlobalExport(`pymalloc/${name}`, name);
  }

  finish(): Uint8Array {
    const bytes = this.#program.emitBinary();
    this.#program.dispose();
    return bytes;
  }
}

/** What is taken for the root, the state and the texts before there is a heap: whole chunks of the system malloc's. */
function reservedBytes(textBytes: number): number {
  return Math.ceil((linkedLayout.TEXTS + textBytes) / 16) * 16;
}

/** The program with pymalloc in it. */
export function graft(binaryen: Api, bytes: Uint8Array, found: Survey): Uint8Array {
  const start = found.heapBase + linkedLayout.TEXTS;
  const texts = layOutTexts(start);
  const program = new Graft(binaryen, bytes, found);
  const shadowed = program.shadow(SHADOWED);
  const numbers = {
    ...numbersFor(found),
    ...texts.addresses,
    reserved: reservedBytes(texts.bytes.length),
    foreignBytes: foreignText.length,
  };
  const writeForeign = program.writer(foreignText, found.heapBase);
  const called = { ...program.namesOf(CALLED), ...shadowed, ...OWN, writeForeign };
  program.insert(bytesOf(linkedModule.code), numbers, called);
  program.start(found);
  program.exportForOthers(FOR_OTHERS);
  const end = found.heapBase + reservedBytes(texts.bytes.length);
  program.export("pymalloc_root", found.heapBase - found.memoryBase);
  program.export("pymalloc_heap", end - found.memoryBase);
  return withData(program.finish(), start, texts.bytes);
}
