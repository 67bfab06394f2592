/** Rust for the tests of guests: is there Debian's compiler, and what it makes. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compilerEnvironment } from "../../tools/compiler.js";
import { compileRust, type RustBuild, rustc } from "../../tools/rust.js";
import { newPath, sources } from "./guests.js";

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

/** Compiles a file of test/guests/programs; its bytes. */
export function buildRust(file: string, build: RustBuild): Uint8Array<ArrayBuffer> {
  const output = newPath(".wasm");
  compileRust(join(sources, file), output, build);
  return new Uint8Array(readFileSync(output));
}
