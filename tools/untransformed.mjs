/**
 * Binaryen is one file of 14 MB, already as it has to be. tsx would read and transform it, which takes five seconds each time a process
 * links; with `--import` behind tsx, this module has Node take the file as it is.
 */
import { readFileSync } from "node:fs";
import * as module from "node:module";

const WHOLE = /\/node_modules\/binaryen\/index\.js$/;

export function load(url, context, next) {
  if (!WHOLE.test(url)) return next(url, context);
  return { format: "module", shortCircuit: true, source: readFileSync(new URL(url)) };
}

// Up to Node 22, only hooks in a thread of their own.
if (module.registerHooks) module.registerHooks({ load });
else if (!import.meta.url.endsWith("#hooks")) module.register(`${import.meta.url}#hooks`);
