/** This process, as the command and the libraries for Node share it: what it prints and reads, and how it ends. */

export { endWith, statusOf } from "./endings.js";
export { CorruptedHeap, ExplainedCrash, reasonOf, UsageError } from "./errors.js";
export { requireWritable, temporaryName, writeWhole, writing } from "./files.js";
export { print, printable, printJson, tell, writeAll } from "./output.js";
export { Progress, StatusLine } from "./progress.js";
export { type Reader, standardInput, standardOutput, type Writer } from "./streams.js";
export {
  countSignals,
  notice,
  type Supervision,
  supervision,
  Word,
  waitForSignal,
} from "./supervision.js";
export { type Duties, supervise } from "./supervisor.js";
export { megabytes, percent, table, whole } from "./text.js";
