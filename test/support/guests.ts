/** C for the tests of guests: is there a compiler, and what it makes. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compilerEnvironment } from "../../tools/compiler.js";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const include = join(root, "include");
export const sources = join(root, "test/guests/programs");

/** Debian's: another one on the path may come without its headers. */
export const python3 = "/usr/bin/python3";

/** Where compiled things go; removed when the process ends. */
export const folder = mkdtempSync(join(tmpdir(), "pymalloc-guests-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

function succeeds(command: string, args: readonly string[], input = ""): boolean {
  return (
    spawnSync(command, args, { input, cwd: folder, stdio: ["pipe", "ignore", "ignore"] }).status ===
    0
  );
}

const reason = "needs clang, lld, wasi-libc and libclang-rt (wasm32), and python3-dev";

/** Why the tests can't run here, or false. A developer may lack a compiler; a CI without one would be green for nothing. */
export function reasonToSkip(): string | false {
  if (process.env["CI"]) return false;
  const program = "#include <stdlib.h>\nint main(void) { return malloc(1) == 0; }\n";
  const links = succeeds(
    "clang",
    ["--target=wasm32-wasi", "-x", "c", "-", "-o", "probe.wasm"],
    program,
  );
  if (links && succeeds(`${python3}-config`, ["--includes"])) return false;
  console.log(`skipped: ${reason}`);
  return reason;
}

/** Why there can't be a program in C++ here, or false; never in CI. */
export function reasonToSkipCpp(): string | false {
  if (reasonToSkip() !== false || process.env["CI"]) return reasonToSkip();
  const args = ["--target=wasm32-wasi", "-x", "c++", "-", "-c", "-o", "probe.o"];
  if (succeeds("clang", args, "#include <vector>\n")) return false;
  const reason = "needs libc++-dev-wasm32";
  console.log(`skipped: ${reason}`);
  return reason;
}

export interface Build {
  /** More arguments, behind those of include/guest.flags. */
  readonly flags?: readonly string[];
  /** Is include/pymalloc_malloc.c linked in? Default true. */
  readonly malloc?: boolean;
}

/** Compiles files of test/guests/, or those at absolute paths, to a guest; its bytes. */
export function buildGuest(
  files: readonly string[],
  { flags = [], malloc = true }: Build = {},
): Uint8Array<ArrayBuffer> {
  const all = malloc ? [...files, join(include, "pymalloc_malloc.c")] : files;
  return clang([`@${join(include, "guest.flags")}`, `-I${include}`, ...flags], all);
}

/** Compiles a file of test/guests/programs to an object file; its path. */
export function buildObject(file: string, flags: readonly string[]): string {
  const output = newPath(".o");
  clang(["--target=wasm32-wasi", "-O2", "-flto", "-c", ...flags], [file], output);
  return output;
}

/** The same program on wasi-libc's own malloc, in a memory of its own. */
export function buildStock(
  files: readonly string[],
  flags: readonly string[] = [],
): Uint8Array<ArrayBuffer> {
  return clang(["--target=wasm32-wasi", "-mexec-model=reactor", "-O2", "-flto", ...flags], files);
}

/** The same program on ours in a memory of its own, to be linked. */
export function buildLinkable(
  files: readonly string[],
  flags: readonly string[] = [],
): Uint8Array<ArrayBuffer> {
  const malloc = join(include, "pymalloc_malloc.c");
  return buildStock([...files, malloc], [`-I${include}`, ...flags]);
}

let outputs = 0;

/** A name that no other output has. */
export function newPath(suffix: string): string {
  return join(folder, `${outputs++}${suffix}`);
}

function clang(
  flags: readonly string[],
  files: readonly string[],
  output = newPath(".wasm"),
): Uint8Array<ArrayBuffer> {
  execFileSync("clang", ["-Wall", "-Wextra", "-Werror", ...flags, ...files, "-o", output], {
    env: compilerEnvironment(),
    cwd: sources,
    stdio: ["ignore", "inherit", "inherit"],
  });
  return new Uint8Array(readFileSync(output));
}

/** What a compiler says to a text of C, and whether it took it. */
export function compileText(
  compiler: string,
  args: readonly string[],
  text: string,
): { status: number | null; stderr: string } {
  const flags = ["-fsyntax-only", "-Wall", "-Wextra", `-I${include}`, ...args, "-"];
  const { status, stderr } = spawnSync(compiler, flags, { input: text, encoding: "utf8" });
  return { status, stderr };
}

/** A text of C's at an address. */
export function textAt({ memory }: { readonly memory: WebAssembly.Memory }, p: number): string {
  const bytes = new Uint8Array(memory.buffer);
  return new TextDecoder().decode(bytes.subarray(p, bytes.indexOf(0, p)));
}

/** What wasi-libc imports for printf and exit, though nobody calls it here. */
export const wasi = new Proxy({}, { get: () => () => 52 }) as WebAssembly.ModuleImports;

/** A program that is alone in its memory. */
export interface Alone {
  readonly exports: Exports;
  readonly memory: WebAssembly.Memory;
}

/** Instantiates a program with a memory of its own. */
export function instantiateAlone(bytes: Uint8Array): Alone {
  const imports = { wasi_snapshot_preview1: wasi };
  const module = new WebAssembly.Module(bytes as BufferSource);
  const instance = new WebAssembly.Instance(module, imports);
  const exports = exportsOf(instance);
  exports["_initialize"]?.();
  return { exports, memory: instance.exports["memory"] as WebAssembly.Memory };
}

/** The functions that a guest exports. */
export type Exports = Record<string, (...args: number[]) => number>;

export function exportsOf(instance: WebAssembly.Instance): Exports {
  return instance.exports as Exports;
}

/** Compiles AssemblyScript; its bytes. */
export function buildAssemblyScript(
  file: string,
  flags: readonly string[],
): Uint8Array<ArrayBuffer> {
  const output = newPath(".wasm");
  const asc = createRequire(import.meta.url).resolve("assemblyscript/bin/asc.js");
  execFileSync(process.execPath, [asc, join(sources, file), ...flags, "-o", output], {
    cwd: root,
    stdio: "inherit",
  });
  return new Uint8Array(readFileSync(output));
}

/**
 * What test/guests/programs/extension.c reports of 1000, written down by hand: 1000 nodes' first digits and counts, and 1; squares up to 99 and 2; all bits; 5 and 2.
 */
const digits = [...Array(1000).keys()].map((i) => String(i).charCodeAt(0));
const nodes = digits.reduce((sum, digit) => sum + digit + 1, 1);
export const expectedReport = `nodes ${nodes} deaths 1000 rows ${328350 + 2} edges ff old 7 collector 309`;
