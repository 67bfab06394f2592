/** The graph of a heap, and what can be computed of it without knowing whose it is. */

export { GraphBuilder } from "./builder.js";
export { type Distances, distancesOf, NOBODY } from "./distance.js";
export {
  type Dominators,
  type DominatorTree,
  dominatorsOf,
  dominatorTree,
} from "./dominators.js";
export { type Content, type ContentKind, type Facts, noFacts } from "./facts.js";
export { type Holders, holdersOf, sourceOf } from "./holders.js";
export {
  type Edge,
  EdgeKind,
  type EdgeKindNumber,
  edgeKind,
  edgeName,
  edgeValue,
  type Graph,
  holds,
  IMMORTAL,
  MOST_EDGE_VALUE,
  type Node,
  type NodeType,
  type TypeKind,
  typeText,
} from "./model.js";
export { countBelow, longer, Numbers } from "./numbers.js";
export { markFrom } from "./reach.js";
