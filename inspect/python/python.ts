/** CPython's graph, from an image of its memory and its blocks: objects, references with their names, roots. No Python runs. */

export type { Content, ContentKind } from "./contents.js";
export {
  type Lookup,
  type PythonGraph,
  pythonGraph,
  type Root,
  type RootFinder,
  type Statistics,
} from "./python-graph.js";
