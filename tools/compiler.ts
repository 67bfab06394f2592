/** The environment that clang is run in. */
import { delimiter } from "node:path";

/**
 * clang runs a `wasm-opt` that it finds on the path, and that takes the functions' names away and changes the code. npm
 * puts the one of the package `binaryen` there; a C programmer's path has none.
 */
export function compilerEnvironment(): NodeJS.ProcessEnv {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const own = folders.filter((folder) => !/[\\/]node_modules[\\/]\.bin$/.test(folder));
  return { ...process.env, PATH: own.join(delimiter) };
}
