/** A memory at one moment, and the answers that it gives. */
import { type Address, conflict, isObject, rangeError, show, typeError } from "../base/base.js";
import type { ByteSource } from "./formats/formats.js";
import type { Facts, Graph, Node } from "./graph/graph.js";
import { heapGraph } from "./heap-graph.js";
import {
  type Blocks,
  type Budget,
  budgetOf,
  captureImage,
  findBlocks,
  type Inspected,
  imageOf,
  type MemoryImage,
} from "./memory/memory.js";
import { javascriptMarks, pythonGraph } from "./python/python.js";
import {
  Analysis,
  biggestDominators,
  type ContainerRow,
  type CycleRow,
  containersOf,
  cyclesOf,
  type DominatorRow,
  type DuplicateRow,
  dominatorRow,
  duplicatesOf,
  findNodes,
  type HolderRow,
  holdersOfType,
  type Path,
  type PinRow,
  pathsTo,
  pinsOf,
  type TypeRow,
  typesOf,
  type UnreachableRow,
  unreachableOf,
} from "./questions/questions.js";

/** What a snapshot is made of. */
export interface SnapshotParts {
  readonly image: MemoryImage;
  readonly blocks: Blocks;
  readonly graph: Graph;
  readonly facts: Facts;
  /** What is not exact; empty where everything is. */
  readonly note: string;
}

/** The answers of a snapshot in short; nothing else than JSON. */
export interface SnapshotSummary {
  /** Of the Python, or of this package where it is a heap of its own. */
  readonly version: string;
  /** When it was taken: milliseconds since 1970. */
  readonly time: number;
  /** What is not exact; empty where everything is. */
  readonly note: string;
  /** Objects and blocks. */
  readonly nodes: number;
  /** References between them. */
  readonly edges: number;
  /** Where every byte is. */
  readonly memory: Budget;
  /** What it consists of. */
  readonly types: readonly TypeRow[];
  /** What keeps most alive. */
  readonly dominators: readonly DominatorRow[];
  /** Equal values. */
  readonly duplicates: readonly DuplicateRow[];
  /** Empty and over-allocated containers. */
  readonly containers: readonly ContainerRow[];
  /** What only the collector can free. */
  readonly cycles: readonly CycleRow[];
  /** Pools that are nearly empty. */
  readonly pins: readonly PinRow[];
  /** What nobody reaches. */
  readonly unreachable: readonly UnreachableRow[];
}

/** What reads and writes files is asked for seldom: it is loaded when it is, as a file of its own. */
const formats = () => import("./formats/formats.js");

/** So many rows a summary has of each kind, unless it is asked for more. */
const ROWS = 20;

function requireLimit(limit: number, where: string): number {
  if (Number.isInteger(limit) && limit >= 0) return limit;
  throw rangeError(`${where}: limit is ${show(limit)}, expected a whole number from 0 on`);
}

/**
 * A memory at one moment. Everything is computed when it is first asked for, and once. Numbers of bytes are bytes; a node is a
 * number from 0 (the root) to `graph.nodes - 1`.
 */
export class Snapshot {
  /** The memory, and what had to be known of it. */
  readonly image: MemoryImage;
  /** What the allocators have given out. */
  readonly blocks: Blocks;
  /** Who holds whom. */
  readonly graph: Graph;
  /** What is not exact in it, as a sentence; empty where everything is. */
  readonly note: string;
  /** @internal */
  readonly analysis: Analysis;

  /** @internal */
  constructor({ image, blocks, graph, facts, note }: SnapshotParts) {
    this.image = image;
    this.blocks = blocks;
    this.graph = graph;
    this.note = note;
    this.analysis = new Analysis(graph, facts);
  }

  /** The version of the Python, or of this package where it is a heap of `createHeap`. */
  get version(): string {
    return this.image.marks.version;
  }

  /** When it was taken: milliseconds since 1970. */
  get time(): number {
    return this.image.marks.time;
  }

  /** @throws Error where the memory of a snapshot that was taken in place has grown, which ended the image */
  get #readable(): Analysis {
    if (this.image.u8.length === 0) {
      const expected = "expected one that was taken as a copy (copy: true, the default)";
      throw conflict(`the memory has grown since the snapshot was taken in place; ${expected}`);
    }
    return this.analysis;
  }

  /** Where every byte of the memory is. */
  memory(): Budget {
    return budgetOf(this.#readable && this.image);
  }

  /** What it consists of by type, those first that retain most. */
  types(): TypeRow[] {
    return typesOf(this.analysis);
  }

  /** The objects that keep most alive, at most `limit` of them. */
  dominators(limit = ROWS): DominatorRow[] {
    return biggestDominators(this.#readable, requireLimit(limit, "dominators"));
  }

  /**
   * The nodes that a query means: a type (`Order`, `app.Order`), an address (`0x1234`, or as `id()` gives it), a type and a
   * label (`str:'hello'` for the whole label, `function:total` for a part of it).
   */
  find(query: string): Node[] {
    if (typeof query === "string") return findNodes(this.#readable, query);
    throw typeError(`find: query is ${show(query)}, expected a text such as "app.Order"`);
  }

  /**
   * The ways from the roots to an object, shortest first, at most `limit`; weak references are left out, and of ways that differ
   * only in indexes and keys one is given. None for what no way leads to.
   *
   * @param object a node; or, as a text, whatever `find` finds first
   */
  pathsTo(object: Node | string, { limit = 5 }: { readonly limit?: number } = {}): Path[] {
    const node = typeof object === "string" ? this.find(object)[0] : object;
    if (node === undefined) return [];
    return pathsTo(
      this.#readable,
      this.#requireNode(node, "pathsTo"),
      requireLimit(limit, "pathsTo"),
    );
  }

  /** What the objects of a type (or of any query, see `find`) are held by, those ways first that hold most. */
  holders(type: string): HolderRow[] {
    if (typeof type === "string") return holdersOfType(this.#readable, type);
    throw typeError(`holders: type is ${show(type)}, expected a text such as "app.Order"`);
  }

  /** Equal str, bytes, tuples and numbers that are there more than once, those first that waste most. */
  duplicates(limit = ROWS): DuplicateRow[] {
    return duplicatesOf(this.#readable, requireLimit(limit, "duplicates"));
  }

  /** Empty and over-allocated containers. */
  containers(): ContainerRow[] {
    return containersOf(this.#readable);
  }

  /** Objects that nobody reaches and that only the collector can free, since they hold each other. */
  cycles(): CycleRow[] {
    return cyclesOf(this.analysis);
  }

  /** The pools that are nearly empty, by size class, and what keeps their memory from others. */
  pins(): PinRow[] {
    return pinsOf(this.#readable, this.image, this.blocks);
  }

  /** Blocks that nobody reaches, by their size. */
  unreachable(): UnreachableRow[] {
    return unreachableOf(this.analysis);
  }

  // ------------------------------------------------------------------- the tree of dominators

  /** The node of what lies at an address, or of what that belongs to; 0 where there is none. */
  nodeAt(address: Address): Node {
    return this.analysis.facts.nodeAt(address >>> 0);
  }

  #requireNode(node: Node, where: string): Node {
    if (Number.isInteger(node) && node >= 0 && node < this.graph.nodes) return node;
    const expected = `a node, from 0 to ${this.graph.nodes - 1}`;
    throw rangeError(`${where}: node is ${show(node)}, expected ${expected}`);
  }

  /** What a node is: its type, its label, its sizes. */
  describe(node: Node): DominatorRow {
    return dominatorRow(this.#readable, this.#requireNode(node, "describe"));
  }

  /** Bytes that a node keeps alive, with its own. Of what nobody reaches only its own. */
  retained(node: Node): number {
    return this.analysis.retained(this.#requireNode(node, "retained"));
  }

  /** The node that dominates a node closest: when that lets go, this one is free. Undefined for the root and what nobody reaches. */
  idom(node: Node): Node | undefined {
    const dominator = this.analysis.dominators.idom[this.#requireNode(node, "idom")] as number;
    return node === 0 || dominator >= this.graph.nodes ? undefined : dominator;
  }

  /** What a node dominates closest, those first that retain most. */
  children(node: Node): Node[] {
    const { analysis } = this;
    return [...analysis.children(this.#requireNode(node, "children"))].sort(
      (a, b) => analysis.retained(b) - analysis.retained(a),
    );
  }

  // ----------------------------------------------------------------------------------- files

  /** As V8's `.heapsnapshot`, which Chrome's DevTools and memlab open, in pieces. */
  async *toHeapSnapshot(): AsyncGenerator<Uint8Array, void> {
    const { graph, facts } = this.#readable;
    const { writeHeapSnapshot } = await formats();
    yield* writeHeapSnapshot({ graph, content: (node) => facts.content(node) });
  }

  /** As `.pymem`: the memory itself, compressed, in pieces. `openSnapshot` reads it. */
  async *save(): AsyncGenerator<Uint8Array, void> {
    if (this.#readable) yield* (await formats()).writePymem(this.image);
  }

  /** In a page: offers the snapshot as a file; as `.heapsnapshot` where the name ends so, else as `.pymem`. */
  async download(name = "heap.pymem"): Promise<void> {
    const isV8 = name.endsWith(".heapsnapshot");
    const { saveInPage } = await formats();
    await saveInPage(isV8 ? this.toHeapSnapshot() : this.save(), name);
  }

  /** All answers in short, 20 rows of each kind. */
  toJSON(): SnapshotSummary {
    return this.summary();
  }

  /** The same with as many rows of each kind as wanted. */
  summary(rows = ROWS): SnapshotSummary {
    const { version, time, note, graph } = this;
    const limit = requireLimit(rows, "summary");
    return {
      version,
      time,
      note,
      nodes: graph.nodes,
      edges: graph.edges,
      memory: this.memory(),
      types: this.types().slice(0, limit),
      dominators: this.dominators(limit),
      duplicates: this.duplicates(limit),
      containers: this.containers().slice(0, limit),
      cycles: this.cycles().slice(0, limit),
      pins: this.pins().slice(0, limit),
      unreachable: this.unreachable().slice(0, limit),
    };
  }
}

/** What `takeSnapshot` takes; every option may be left out. */
export interface SnapshotOptions {
  /**
   * Copy the memory? Default: true. Without a copy it takes no memory for it, but labels and contents are read from the memory as
   * it is when they are asked for: that is for who looks before anything else runs.
   */
  readonly copy?: boolean | undefined;
}

function isImage(target: Inspected | MemoryImage): target is MemoryImage {
  return "marks" in target && "u8" in target && "u32" in target;
}

/** The snapshot of an image. */
function snapshotOf(image: MemoryImage): Snapshot {
  const blocks = findBlocks(image);
  if (image.marks.kind === "heap") {
    return new Snapshot({ image, blocks, ...heapGraph(image, blocks), note: "" });
  }
  const python = pythonGraph(image, blocks);
  return new Snapshot({ image, blocks, graph: python.graph, facts: python, note: python.note });
}

/**
 * What is in a memory now: of an interpreter that runs, of one that has crashed, of a heap of `createHeap`, or of an image. No
 * Python runs for it and nothing in the memory changes.
 *
 * @throws TypeError for what is none of these, and for a Python other than 3.12, 3.13 and 3.14
 */
export function takeSnapshot(
  target: Inspected | MemoryImage,
  { copy = true }: SnapshotOptions = {},
): Snapshot {
  if (!isObject(target)) {
    throw typeError(`takeSnapshot: expected a Pyodide, a heap or an image, got ${show(target)}`);
  }
  if (isImage(target)) return snapshotOf(target);
  const border = "runPython" in target ? javascriptMarks(target, "takeSnapshot") : {};
  return snapshotOf(captureImage(target, { copy, ...border }, "takeSnapshot"));
}

/** Reads what `snapshot.save()` wrote. @throws RangeError that says what is wrong with the file */
export async function openSnapshot(bytes: ByteSource): Promise<Snapshot> {
  const { readPymem } = await formats();
  const { marks, u8 } = await readPymem(bytes);
  return snapshotOf(imageOf(marks, u8));
}

/** Where every byte of a memory is now. It is cheap enough to ask every second. */
export function memory(target: Inspected): Budget {
  return budgetOf(captureImage(target, {}, "memory"));
}
