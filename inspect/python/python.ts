/** CPython's graph, from an image of its memory and its blocks: objects, references with their names, roots. No Python runs. */

export { OWN_FILE } from "./frames.js";
export { javascriptMarks } from "./javascript.js";
export { type PythonGraph, pythonGraph, type Statistics } from "./python-graph.js";
export type { Lookup, Range, Root, RootFinder } from "./root.js";
export { findRoots } from "./roots.js";
