// The eight leaks, each put into a Pyodide, for pages and for tests.

/** By name, where each is written. */
export const LEAKS = {
  global_cache: "global_cache.py",
  callbacks: "callbacks.py",
  kept_traceback: "kept_traceback.py",
  cached_method: "cached_method.py",
  unfinished_generator: "unfinished_generator.py",
  undestroyed_proxy: "undestroyed_proxy.mjs",
  border_cycle: "border_cycle.mjs",
  event_handler: "event_handler.mjs",
};

/**
 * Puts a leak into an interpreter: Python's part becomes a module of the leak's name.
 *
 * @param read gives the text of a file that lies beside this one
 * @returns `work` leaks something each time, `mended` does the same and leaks nothing
 */
export async function loadLeak(pyodide, name, read) {
  const file = LEAKS[name];
  const border = file.endsWith(".mjs") ? await import(`./${file}`) : undefined;
  const source = border?.python ?? (await read(file));
  const module = pyodide.runPython(`
import sys, types
module = sys.modules["${name}"] = types.ModuleType("${name}")
vars(module)`);
  pyodide.runPython(source, { globals: module, filename: file });
  if (border !== undefined) {
    return { work: () => border.work(module), mended: () => border.mended(module) };
  }
  const [work, mended] = ["work", "mended"].map((function_) => module.get(function_));
  const call = (function_) => () => function_()?.destroy?.();
  return { work: call(work), mended: call(mended) };
}
