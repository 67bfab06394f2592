/** Our functions go into a program, and into the place of its own. */
import type Binaryen from "binaryen";
import type { Address } from "../base/base.js";
import { type Api, exportsOf, functionsOf, globalsOf, read, shared } from "./bind.js";
import { withData } from "./initial-memory.js";
import {
  added,
  EXPORTED,
  EXPORTED_BY_PYDEBUG,
  entriesOf,
  FOR_OTHERS,
  IN_TABLE,
  linkedCore,
  placesIn,
  SHADOWED,
  type Wish,
} from "./linked-core.js";
import type { Survey } from "./survey.js";
import { foreignText, inWords } from "./texts.js";

/** The program, while ours go into it. */
class Graft {
  readonly #binaryen: Api;
  readonly #program: Binaryen.Module;
  /** What the program calls our exported functions. */
  readonly #ours = new Map<string, string>();

  constructor(binaryen: Api, bytes: Uint8Array) {
    this.#binaryen = binaryen;
    this.#program = read(binaryen, bytes);
  }

  /** What the program calls what it exports. */
  nameOf(exported: string): string {
    return this.#binaryen.getExportInfo(this.#program.getExport(exported)).value;
  }

  #infoOf(name: string): Binaryen.FunctionInfo {
    return this.#binaryen.getFunctionInfo(this.#program.getFunction(name));
  }

  #add(name: string, { params, results, vars, body }: Binaryen.FunctionInfo): void {
    const program = this.#program;
    program.addFunction(name, params, results, vars, program.copyExpression(body));
  }

  /** Keeps the functions that ours stand in front of, under other names. */
  shadow(functions: Readonly<Record<string, string>>): void {
    for (const [name, exported] of Object.entries(functions)) {
      this.#add(added(name), this.#infoOf(this.nameOf(exported)));
    }
  }

  /** Puts the functions and globals of a module into the program; a function of a name that is there takes its place. */
  insert(module: Binaryen.Module): void {
    const binaryen = this.#binaryen;
    const program = this.#program;
    for (const [exported, name] of exportsOf(binaryen, module)) this.#ours.set(exported, name);
    for (const { name, type, mutable, init } of globalsOf(binaryen, module)) {
      program.addGlobal(name, type, mutable, program.copyExpression(init));
    }
    for (const info of functionsOf(binaryen, module)) {
      if (info.base) continue;
      if (program.getFunction(info.name) !== 0) program.removeFunction(info.name);
      this.#add(info.name, info);
    }
  }

  /** Adds a function that takes and returns nothing; what the program calls it. */
  #addAction(name: string, body: number): string {
    const { none } = this.#binaryen;
    this.#program.addFunction(added(name), none, none, [], body);
    return added(name);
  }

  /** Adds a function that writes a text at an address. */
  addWriter(name: string, text: string, address: Address): void {
    const { i32, i64, block } = this.#program;
    const words = new BigInt64Array(inWords(text).buffer);
    const stores = Array.from(words, (word, at) =>
      i64.store(0, 8, i32.const(address + 8 * at), i64.const(word), shared.memory),
    );
    this.#addAction(name, block(null, stores));
  }

  /** What happens when the program is instantiated: its table gets so many entries more, and functions of ours in places. */
  start(inTable: readonly (readonly [place: number, exported: string])[], more: number): void {
    const binaryen = this.#binaryen;
    const program = this.#program;
    const { i32, table, ref } = program;
    const functions = inTable.map(
      ([place, name]) => [place, this.#ours.get(name) as string] as const,
    );
    // A function must be in a segment to be named in code.
    const names = new Set(functions.map(([, name]) => name));
    program.addPassiveElementSegment(added("table"), [...names]);
    const grown = table.grow(shared.table, ref.null(binaryen.funcref), i32.const(more));
    const entries = functions.map(([place, name]) =>
      table.set(shared.table, i32.const(place), ref.func(name, this.#infoOf(name).type)),
    );
    const theirs = program.getStart();
    const next =
      theirs === 0 ? [] : [program.call(binaryen.getFunctionInfo(theirs).name, [], binaryen.none)];
    const body = program.block(null, [program.drop(grown), ...entries, ...next]);
    program.setStart(program.getFunction(this.#addAction("start", body)));
  }

  /** Exports functions of ours, some of them under the names of others. */
  exportFunctions(functions: Readonly<Record<string, string>>): void {
    for (const [own, exported] of Object.entries(functions)) {
      if (this.#program.getExport(exported) !== 0) this.#program.removeExport(exported);
      this.#program.addFunctionExport(this.#ours.get(own) as string, exported);
    }
  }

  /** Exports a number, as an address is exported. */
  export(name: string, value: number): void {
    const { i32 } = this.#program;
    this.#program.addGlobal(added(name), this.#binaryen.i32, false, i32.const(value));
    this.#program.addGlobalExport(added(name), name);
  }

  finish(): Uint8Array {
    const bytes = this.#program.emitBinary();
    this.#program.dispose();
    return bytes;
  }
}

/** The program with pymalloc in it. */
export function graft(binaryen: Api, bytes: Uint8Array, found: Survey, wish: Wish): Uint8Array {
  const { root, textsAt, texts, ledger, end } = placesIn(found);
  const program = new Graft(binaryen, bytes);
  program.shadow(SHADOWED);
  program.addWriter("writeForeign", foreignText, root);
  const core = linkedCore(binaryen, found, wish, (exported) => program.nameOf(exported));
  program.insert(core);
  core.dispose();
  program.start(entriesOf(found), Object.keys(IN_TABLE).length);
  program.exportFunctions({ ...FOR_OTHERS, ...EXPORTED });
  if (wish.withPydebug) program.exportFunctions(EXPORTED_BY_PYDEBUG);
  program.export("pymalloc_root", root - found.memoryBase);
  program.export("pymalloc_heap", end - found.memoryBase);
  if (wish.withPydebug) program.export("pymalloc_ledger", ledger - found.memoryBase);
  return withData(program.finish(), textsAt, texts);
}
