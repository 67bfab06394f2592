/** How a snapshot leaves us and comes back: one file for each format, and what saves them in a page. */

export { writeHeapSnapshot } from "./heapsnapshot.js";
export type { HeapSnapshotSource } from "./names.js";
export type { ByteSource } from "./pieces.js";
export { readPymem, type SavedMemory, writePymem } from "./pymem.js";
export { saveInPage } from "./save.js";
