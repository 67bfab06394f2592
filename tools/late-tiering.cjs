/**
 * V8 compiles a WebAssembly function a second time, and slowly, once it has run for a while. An interpreter that a test starts is gone by
 * then, and the work was for nothing: a tenth of all that tests compute. With `--require`, functions that run ten times as long are worth it.
 */
const { setFlagsFromString } = require("node:v8");

setFlagsFromString("--wasm-tiering-budget=20000000");
