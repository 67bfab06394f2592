/** Measuring: allocators side by side in one process, on a program or on a trace. */

export { type Comparison, compare, loadCandidate } from "./compare.js";
export { type Contestant, contestantNames, makeContestants } from "./contestants.js";
export { replayThing, SHORTENED } from "./javascript-records.js";
export { median, rotated } from "./paired.js";
export { renderComparison } from "./render-comparison.js";
export { type ReplayReport, renderReplay } from "./render-replay.js";
export { type ReplayResult, replay, type Times } from "./replay.js";
export { type AllocatorResult, type Candidate, type Outcome, sideBySide } from "./side-by-side.js";
export { makeTape, type Tape } from "./tape.js";
