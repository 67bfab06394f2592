/** Questions about what fills a memory: a graph, facts and blocks go in, rows that are JSON come out. One question a file. */

export { Analysis } from "./analysis.js";
export { type ContainerRow, containersOf } from "./containers.js";
export { type CycleRow, cyclesOf } from "./cycles.js";
export { biggestDominators, type DominatorRow, dominatorRow } from "./dominators.js";
export { type DuplicateRow, duplicatesOf } from "./duplicates.js";
export { findNodes } from "./find.js";
export { type HolderRow, holdersOfType } from "./holders.js";
export { type Path, pathsTo, type Step, shortestPath } from "./paths.js";
export { type PinRow, pinsOf } from "./pins.js";
export { type TypeRow, typesOf } from "./types.js";
export { type UnreachableRow, unreachableOf } from "./unreachable.js";
