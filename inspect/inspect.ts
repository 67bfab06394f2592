/** What fills a memory, and who holds it: `import { takeSnapshot, memory, diff, watch } from "pymalloc/inspect"`. */

export type { Graph } from "./graph/graph.js";
export { type Blocks, type ImageMarks, imageOf, type MemoryImage } from "./memory/memory.js";
