/** Compiles the guests, once for each malloc. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import binaryen from "binaryen";
import { linkGuest } from "../../link/index.js";
import { compilerEnvironment } from "../../tools/compiler.js";
import { compileRust } from "../../tools/rust.js";
import { compileSqlite, sqliteFolder, sqliteProgram } from "../../tools/sqlite.js";
import { type Binary, binaries, candidates, fileOf } from "./programs.js";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const include = path("../../include");
const ourMalloc = [`-I${include}`, `${include}/pymalloc_malloc.c`];
const alone = ["--target=wasm32-wasi", "-mexec-model=reactor", "-O2", "-flto"];

/** The flags of clang; `linked` is a program that is yet to be linked. */
const flags = {
  stock: alone,
  hosted: [`@${include}/guest.flags`, ...ourMalloc],
  linked: [...alone, ...ourMalloc],
};

function compileC(files: readonly string[], binary: Binary, folder: string): void {
  for (const candidate of candidates) {
    const output = join(folder, fileOf(binary, candidate));
    const args = [...flags[candidate], `-I${sqliteFolder}`, ...files, "-o", output];
    execFileSync("clang", args, { stdio: "inherit", env: compilerEnvironment() });
  }
}

function compile(folder: string): void {
  const sqlite = join(folder, "sqlite3.o");
  try {
    compileC([path("programs.c")], "c", folder);
    compileSqlite(sqlite, ["-O2", "-flto"]);
    compileC([sqliteProgram, sqlite], "sqlite", folder);
    for (const allocator of candidates) {
      compileRust(path("programs.rs"), join(folder, fileOf("rust", allocator)), { allocator });
    }
  } catch (error) {
    throw new Error("the part guests needs clang, lld, wasi-libc and Rust: .ci/run installs them", {
      cause: error,
    });
  }
}

/** How long a program is without its names, as Binaryen writes it. */
function lengthOf(program: Uint8Array): number {
  const module = binaryen.readBinary(program);
  const before = binaryen.getDebugInfo();
  try {
    binaryen.setDebugInfo(false);
    module.runPasses(["strip-debug", "strip-producers", "strip-target-features"]);
    return module.emitBinary().length;
  } finally {
    binaryen.setDebugInfo(before);
    module.dispose();
  }
}

/** Bytes, without names. */
export interface Sizes {
  readonly binary: Binary;
  /** With the malloc of its language. */
  readonly stock: number;
  readonly linked: number;
  /** What linking adds to a program that imports ours. */
  readonly added: number;
}

/** Compiles and links all programs into a folder. */
export async function buildGuests(folder: string): Promise<Sizes[]> {
  compile(folder);
  const sizes: Sizes[] = [];
  for (const binary of binaries) {
    const output = join(folder, fileOf(binary, "linked"));
    const unlinked = readFileSync(output);
    const linked = await linkGuest(unlinked);
    writeFileSync(output, linked);
    sizes.push({
      binary,
      stock: lengthOf(readFileSync(join(folder, fileOf(binary, "stock")))),
      linked: lengthOf(linked),
      added: lengthOf(linked) - lengthOf(unlinked),
    });
  }
  return sizes;
}
