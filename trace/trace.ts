/** Traces of what a program asked its allocator for: recorded, written, read, counted. */

export { type EventChunk, Op } from "./events.js";
export { NumberMap } from "./number-map.js";
export { Numbering } from "./numbering.js";
export { longer } from "./places.js";
export { readTrace } from "./reader.js";
export { startRecording } from "./recorder.js";
export { renderStatistics } from "./render.js";
export { StatisticsBuilder } from "./statistics.js";
export { rescueTrace, TraceWriter } from "./writer.js";
