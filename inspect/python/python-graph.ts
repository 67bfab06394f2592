/** The graph of a Python heap. */
import { type Address, show, typeError } from "../../base/base.js";
import { layoutOf } from "../../python/python.js";
import {
  type Edge,
  EdgeKind,
  edgeName,
  type Facts,
  type Graph,
  GraphBuilder,
  holds,
  MOST_EDGE_VALUE,
  type Node,
  type TypeKind,
  typeText,
} from "../graph/graph.js";
import type { Blocks, MemoryImage } from "../memory/memory.js";
import { Contents } from "./contents.js";
import { readInterpreter } from "./interpreter.js";
import { labelOf } from "./labels.js";
import { Nodes } from "./nodes.js";
import { FREED, Objects } from "./objects.js";
import { heldOutside } from "./outside.js";
import { claimAll } from "./owned.js";
import { claimMemory } from "./owned-memory.js";
import { References } from "./references.js";
import type { Root, RootFinder } from "./root.js";
import { findRoots } from "./roots.js";
import { dropStale } from "./stale-words.js";
import { nameOf } from "./type-names.js";
import { Shape, type TypePlan } from "./types.js";

/** What the blocks of a heap are: the last four sum to the first. */
export interface Statistics {
  readonly blocks: number;
  /** Blocks with a live object. */
  readonly objects: number;
  /** Blocks of objects that are gone, kept for the next ones of their type. */
  readonly freed: number;
  /** Blocks that belong to an object. */
  readonly owned: number;
  /** All others: memory of C's. */
  readonly plain: number;
}

export interface PythonGraph extends Facts {
  readonly graph: Graph;
  /** What is not exact, as of a version whose structs are not all known; empty where everything is. */
  readonly note: string;
  readonly statistics: Statistics;
  /** The node of the object, or the plain block, that begins at an address, or that what begins there belongs to; 0 for none. */
  nodeAt(address: Address): Node;
  /** For each node how many references to it were found in other nodes: edges that hold, but not those of roots. */
  references(): Uint32Array;
}

/** The group of what is held by someone who is not known. */
const OUTSIDE = "JavaScript or C";

const OLD =
  "Python 3.12: frames that run are read word by word, without the names of their variables";
const NO_OBJECTS = "no objects: what this allocator gave out can't be told from what it did not";

/**
 * The graph of a Python heap.
 *
 * @param rootsOf finds what holds from outside
 * @throws TypeError where the image is of no Python that is known here: 3.12, 3.13 and 3.14 are
 */
export function pythonGraph(
  image: MemoryImage,
  blocks: Blocks,
  rootsOf: RootFinder = findRoots,
): PythonGraph {
  const { version, symbols } = image.marks;
  const layout = layoutOf(version);
  if (layout === undefined) {
    throw typeError(
      `pythonGraph: the version is ${show(version)}, expected Python 3.12, 3.13 or 3.14`,
    );
  }
  if (!symbols["PyType_Type"]) {
    throw typeError(
      "pythonGraph: the image has no address of PyType_Type, expected that of a Python",
    );
  }
  const builder = new GraphBuilder(blocks.count + 1024);
  const objects = new Objects(image, blocks, layout, (text) => builder.text(text));
  claimAll(objects);
  claimMemory(objects);
  const nodes = new Nodes(objects, builder);
  const roots = rootsOf(image, {
    nodeAt: (address) => nodes.at(address),
    from: objects.from,
    libraries: [...objects.libraries].map((block) => objects.rangeOf(block)),
  });
  const groups = groupsOf(roots, nodes);
  const text = (name: string) => edgeName(EdgeKind.internal, builder.text(name));

  builder.begin();
  for (const [node, { name }] of groups) builder.edge(node, text(name));
  const toOutside = builder.edge(0, text(OUTSIDE));
  const references = new References(nodes, readInterpreter(image));
  for (let node = 1; node <= nodes.last; node++) {
    builder.begin();
    references.ofBlock(nodes.blockOf[node] as number);
  }
  // Static objects become nodes when they are met, also by the references of others like them, and types by their objects.
  let seenTypes = 0;
  const rootWords: Edge[] = [];
  for (let node = nodes.last + 1; node <= builder.nodes; node++) {
    if (node === builder.nodes) seenTypes = nodes.meetTypes(seenTypes);
    if (node === builder.nodes) break;
    builder.begin();
    const group = groups.get(node);
    const held = nodes.javascript.heldBy(node);
    if (group !== undefined) {
      for (const { name, to, isWord } of group.roots) {
        const edge = builder.edge(to, text(name));
        if (isWord) rootWords.push(edge);
      }
    } else if (held === undefined) references.ofStatic(builder.addressOf(node));
    else {
      for (const { object, name } of held) {
        const to = nodes.at(object);
        if (to !== 0) builder.edge(to, text(`${name} (PyProxy)`.trim()));
      }
    }
  }

  dropStale(
    builder,
    (node) => trusted(nodes.planOf(node)),
    (node) => node === 0 || groups.has(node),
    rootWords,
  );
  const contents = new Contents(nodes);
  const label = (node: Node): string => {
    if (node === outside) return OUTSIDE;
    const group = groups.get(node)?.name ?? nodes.javascript.label(node);
    if (group !== undefined) return group;
    const plan = nodes.planOf(node);
    const address = builder.addressOf(node);
    return plan === undefined ? "" : labelOf(image, address, plan, () => typeLabel(address));
  };
  function typeLabel(address: Address): string {
    const plan = objects.types.plans[objects.types.numberOf(address)];
    return plan === undefined ? "" : typeText(nameOf(image, plan));
  }
  const types = nodes.nodeTypes((plan) => nameOf(image, plan));
  // The last node is that of what nobody else leads to: where it begins, the graph without it has ended.
  const inside = builder.graph(types, label);
  const held = heldOutside(inside, countReferences(inside, ["root", "javascript"]));
  const outside = builder.node(0, nodes.kindOf(-1), 0, 0);
  for (const node of held) builder.edge(node, text(OUTSIDE));
  const graph = builder.graph(types, label);
  const statistics = statisticsOf(objects);
  graph.to[toOutside] = outside;
  return {
    graph,
    note: statistics.objects === 0 ? NO_OBJECTS : layout.inlineValues ? "" : OLD,
    statistics,
    nodeAt: (address) => nodes.at(address) || nodes.ownerOf(address),
    content: (node) => contents.of(node),
    equal: (one, other) => contents.equal(one, other),
    references: () => countReferences(graph, ["root"]),
  };
}

/** A struct of more than so many bytes may end with a row of which only a part is in use: that of `itertools.tee` has room for 57 items. */
const LONG_STRUCT = 200;
/** So much of such a one is always in use. */
const IN_USE = 32;

/** So many bytes of an object have no words that are out of use; the state of a module has none. */
function trusted(plan: TypePlan | undefined): number {
  if (plan === undefined) return 0;
  if (plan.shape === Shape.module) return MOST_EDGE_VALUE + 1;
  return plan.basicSize > LONG_STRUCT ? IN_USE : plan.basicSize;
}

interface Group {
  readonly name: string;
  readonly roots: { readonly name: string; readonly to: Node; readonly isWord: boolean }[];
}

/** The groups of roots, each with a node of its own, in the order in which they come. */
function groupsOf(roots: readonly Root[], nodes: Nodes): Map<Node, Group> {
  const byName = new Map<string, Group>();
  for (const { group, name, address, isWord = false } of roots) {
    const to = nodes.at(address);
    if (to === 0) continue;
    const known = byName.get(group) ?? { name: group, roots: [] };
    byName.set(group, known);
    known.roots.push({ name, to, isWord });
  }
  return new Map([...byName.values()].map((group) => [nodes.builder.node(0, 0, 0, 0), group]));
}

function statisticsOf({ blocks, typeOf, owner }: Objects): Statistics {
  let live = 0;
  let freed = 0;
  let owned = 0;
  for (let block = 0; block < blocks.count; block++) {
    if (owner[block] !== 0) owned++;
    else if ((typeOf[block] as number) >= FREED) freed++;
    else if (typeOf[block] !== 0) live++;
  }
  const plain = blocks.count - live - freed - owned;
  return { blocks: blocks.count, objects: live, freed, owned, plain };
}

/** For each node how many references to it hold. @param leftOut kinds of nodes whose references are none */
function countReferences(
  { nodes, first, to, names, types, typeOf }: Graph,
  leftOut: readonly TypeKind[],
): Uint32Array {
  const isLeftOut = types.map(({ kind }) => leftOut.includes(kind));
  const counts = new Uint32Array(nodes);
  for (let node = 1; node < nodes; node++) {
    if (isLeftOut[typeOf[node] as number]) continue;
    const end = first[node + 1] as number;
    for (let edge = first[node] as number; edge < end; edge++) {
      if (holds(names[edge] as number)) {
        const target = to[edge] as number;
        counts[target] = (counts[target] as number) + 1;
      }
    }
  }
  return counts;
}
