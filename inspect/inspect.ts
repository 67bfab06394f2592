/** What fills a memory, and who holds it: `import { takeSnapshot, memory, diff, watch } from "pymalloc/inspect"`. */

export type { Amount, HolderChange, TypeChange } from "./changes.js";
export { type Difference, diff } from "./diff.js";
export type { Edge, Graph, Node, NodeType, TypeKind } from "./graph/graph.js";
export { EdgeKind, edgeKind, edgeValue } from "./graph/graph.js";
export { inspectFromPython } from "./in-python.js";
export {
  type Blocks,
  type Budget,
  type CaptureOptions,
  captureImage,
  type ImageMarks,
  type Inspected,
  imageOf,
  type MemoryImage,
} from "./memory/memory.js";
export type {
  ContainerRow,
  CycleRow,
  DominatorRow,
  DuplicateRow,
  HolderRow,
  Path,
  PinRow,
  Step,
  TypeRow,
  UnreachableRow,
} from "./questions/questions.js";
export {
  memory,
  openSnapshot,
  type Snapshot,
  type SnapshotOptions,
  type SnapshotSummary,
  takeSnapshot,
} from "./snapshot.js";
export { expectNoLeak, type Growth, type GrowthRow, type WatchOptions, watch } from "./watch.js";
