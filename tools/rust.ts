/** Debian's Rust, for programs that live from the allocator in include/rust. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compilerEnvironment } from "./compiler.js";

/** Debian's: another one on the path may come without the libraries for WebAssembly. */
export const rustc = "/usr/bin/rustc";

export type RustTarget = "wasm32-unknown-unknown" | "wasm32-wasi";

export interface RustBuild {
  /** On Rust's own allocator, in a memory of its own; or on ours, to be linked, or for a heap's memory. */
  readonly allocator: "stock" | "linked" | "hosted";
  readonly target?: RustTarget;
  /** A program with a `main`, not one with functions to be called. */
  readonly command?: boolean;
  /**
   * How it is optimized. "whole", the default, does so when it is linked; "each" takes less time, and calls the allocator in
   * two steps; "none" takes least.
   */
  readonly optimized?: keyof typeof optimizing;
  /** More arguments for the linker, and files of objects. */
  readonly linkArgs?: readonly string[];
}

const optimizing = {
  whole: ["-O", "-C", "lto", "-C", "codegen-units=1"],
  each: ["-O"],
  none: [],
};

function compile(args: readonly string[]): void {
  execFileSync(rustc, ["--edition", "2021", "-D", "warnings", ...args], {
    env: compilerEnvironment(),
    stdio: ["ignore", "inherit", "inherit"],
  });
}

/** The crate in a folder, compiled at the first call. */
function crateIn(folder: string, target: RustTarget): string {
  const output = join(folder, `libpymalloc-${target}.rlib`);
  if (existsSync(output)) return output;
  const source = fileURLToPath(new URL("../include/rust/src/lib.rs", import.meta.url));
  const kind = ["--crate-type", "rlib", "--crate-name", "pymalloc", "--cfg", 'feature="malloc"'];
  compile(["--target", target, ...kind, "-O", source, "-o", output]);
  return output;
}

/** The link arguments of docs/guide/guests.md, into a heap's memory. */
const hosted = ["--import-memory", "--export-table", "--growable-table"];

/** Checks an example of the crate's, for a target; writes no program. */
export function checkRust(file: string, output: string, target: RustTarget): void {
  const crate = `pymalloc=${crateIn(dirname(output), target)}`;
  const kind = ["--target", target, "--crate-type", "cdylib", "--emit", "metadata"];
  compile([...kind, "--extern", crate, file, "-o", output]);
}

/** Compiles a program as the guide says. With `--cfg stock` it leaves the global allocator as it is. */
export function compileRust(file: string, output: string, build: RustBuild): void {
  const {
    allocator,
    target = "wasm32-unknown-unknown",
    command = false,
    optimized = "whole",
    linkArgs = [],
  } = build;
  const how = ["-C", "strip=debuginfo", ...optimizing[optimized]];
  const ours =
    allocator === "stock"
      ? ["--cfg", "stock"]
      : ["--extern", `pymalloc=${crateIn(dirname(output), target)}`];
  const all = [...(allocator === "hosted" ? hosted : []), ...linkArgs];
  const link = all.length > 0 ? ["-C", `link-args=${all.join(" ")}`] : [];
  const kind = ["--target", target, "--crate-type", command ? "bin" : "cdylib"];
  compile([...kind, ...how, ...ours, ...link, file, "-o", output]);
}
