/** A memory as it is: its bytes, its blocks, and where every byte of it is. */

export { BlockKind, type Blocks } from "./blocks.js";
export { type Budget, budgetOf } from "./budget.js";
export { type CaptureOptions, captureImage, type Inspected } from "./capture.js";
export { findBlocks } from "./find-blocks.js";
export {
  type HeapMark,
  type ImageKind,
  type ImageMarks,
  imageOf,
  type JsHolder,
  type MemoryImage,
  type ProxyMark,
} from "./image.js";
export { type Visitor, walkMemory } from "./walk.js";
