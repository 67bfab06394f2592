/** Rust for the tests of guests: is there Debian's compiler, and what it makes. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compilerEnvironment } from "../../tools/compiler.js";
import { include, newPath, sources } from "./guests.js";

/** Debian's: another one on the path may come without the libraries for WebAssembly. */
const rustc = "/usr/bin/rustc";

export type Target = "wasm32-unknown-unknown" | "wasm32-wasi";

const reason = "needs Debian's rustc, cargo and libstd-rust-dev-wasm32";

/** Why the tests can't run here, or false; never in CI. */
export function reasonToSkipRust(): string | false {
  if (process.env["CI"]) return false;
  const args = ["--target", "wasm32-wasi", "--crate-type", "cdylib", "-o", newPath(".wasm"), "-"];
  const compiles = spawnSync(rustc, args, { input: "pub fn f() {}" }).status === 0;
  if (compiles && spawnSync("/usr/bin/cargo", ["--version"]).status === 0) return false;
  console.log(`skipped: ${reason}`);
  return reason;
}

/** Finds Debian's compiler and its cargo, where a line only says `cargo`. */
export function rustEnvironment(): Record<string, string> {
  return { PATH: `/usr/bin:${compilerEnvironment()["PATH"]}`, RUSTC: rustc };
}

function compile(args: readonly string[]): void {
  execFileSync(rustc, ["--edition", "2018", "-D", "warnings", ...args], {
    env: compilerEnvironment(),
    cwd: sources,
    stdio: ["ignore", "inherit", "inherit"],
  });
}

/** include/rust, compiled for each target once. */
const crates = new Map<Target, string>();

function crateFor(target: Target): string {
  const known = crates.get(target);
  if (known !== undefined) return known;
  const folder = newPath("");
  const kind = ["--crate-type", "rlib", "--crate-name", "pymalloc", "--cfg", 'feature="malloc"'];
  const source = join(include, "rust/src/lib.rs");
  compile(["--target", target, ...kind, "-O", source, "--out-dir", folder]);
  const library = join(folder, "libpymalloc.rlib");
  crates.set(target, library);
  return library;
}

/** Linked as the guide says: into the heap's memory. */
const hosted = ["--import-memory", "--export-table", "--growable-table"];

export interface RustBuild {
  /** On Rust's own allocator, in a memory of its own; or on ours, to be linked, or for a heap. */
  readonly allocator: "stock" | "linked" | "hosted";
  readonly target?: Target;
  /** A program with a `main`, not one with functions to be called. */
  readonly command?: boolean;
}

/** Compiles a file of test/guests/programs, or one at an absolute path; its bytes. */
export function buildRust(file: string, build: RustBuild): Uint8Array<ArrayBuffer> {
  const { allocator, target = "wasm32-unknown-unknown", command = false } = build;
  const output = newPath(".wasm");
  const optimized = ["-O", "-C", "lto", "-C", "codegen-units=1", "-C", "strip=debuginfo"];
  const ours =
    allocator === "stock" ? ["--cfg", "stock"] : ["--extern", `pymalloc=${crateFor(target)}`];
  const link = allocator === "hosted" ? ["-C", `link-args=${hosted.join(" ")}`] : [];
  const kind = ["--target", target, "--crate-type", command ? "bin" : "cdylib"];
  compile([...kind, ...optimized, ...ours, ...link, file, "-o", output]);
  return new Uint8Array(readFileSync(output));
}
