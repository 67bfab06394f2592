/** SQLite's amalgamation, a large library that lives from malloc: how its one file is compiled for WebAssembly. */
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compilerEnvironment } from "./compiler.js";

const require = createRequire(import.meta.url);
const manifest = require.resolve("@commapp/sqlcipher-amalgamation/package.json");

/** Where sqlite3.c and sqlite3.h are. */
export const sqliteFolder = join(dirname(manifest), "src");

/** A program in C with an export `run`, that asks SQLite a number of things and gives its answers. */
export const sqliteProgram = fileURLToPath(
  new URL("../test/guests/programs/sqlite.c", import.meta.url),
);

/** It asks malloc how long its blocks are, so that its own books depend on ours. */
const defines = [
  ...["SQLITE_OS_OTHER=1", "SQLITE_THREADSAFE=0", "SQLITE_OMIT_LOAD_EXTENSION"],
  ...["SQLITE_OMIT_WAL", "SQLITE_TEMP_STORE=3"],
  ...["SQLITE_USE_MALLOC_H", "HAVE_MALLOC_H", "HAVE_MALLOC_USABLE_SIZE"],
];

/** Compiles it to an object file. @param flags how it is optimized, `-O2` for example */
export function compileSqlite(output: string, flags: readonly string[]): void {
  const all = ["--target=wasm32-wasi", "-w", "-c", ...flags, ...defines.map((name) => `-D${name}`)];
  execFileSync("clang", [...all, join(sqliteFolder, "sqlite3.c"), "-o", output], {
    stdio: "inherit",
    env: compilerEnvironment(),
  });
}
