/** Rust for the tests of guests: is there Debian's compiler, and what it makes. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compilerEnvironment } from "../../tools/compiler.js";
import {
  checkRust,
  compileRust,
  type RustBuild,
  type RustTarget,
  rustc,
} from "../../tools/rust.js";
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

/** Does a library that takes the crate compile, without a warning? @throws where not */
export function checkRustText(text: string, target: RustTarget): void {
  const file = newPath(".rs");
  writeFileSync(file, text);
  checkRust(file, newPath(".rmeta"), target);
}

/** What a program for WASI prints, with one argument, a variable of its environment, and a file /in/text; in a process of its own. */
export function runCommand(bytes: Uint8Array, argument: string): string {
  const program = newPath(".wasm");
  const files = newPath("");
  writeFileSync(program, bytes);
  mkdirSync(files);
  writeFileSync(join(files, "text"), "a text");
  const script = `import { WASI } from "node:wasi";
    import { readFileSync } from "node:fs";
    const [program, files, argument] = process.argv.slice(1);
    const options = { args: ["program", argument], env: { NAME: "value" }, preopens: { "/in": files } };
    const wasi = new WASI({ version: "preview1", ...options });
    const module = new WebAssembly.Module(readFileSync(program));
    wasi.start(new WebAssembly.Instance(module, { wasi_snapshot_preview1: wasi.wasiImport }));`;
  const args = ["--no-warnings", "--input-type=module", "-e", script, program, files, argument];
  return execFileSync(process.execPath, args, { encoding: "utf8", stdio: "pipe" });
}
