/**
 * `npm run bench:record`: records the traces of bench/traces/ anew.
 *
 * What a program asks for depends on its environment and on the length of its path. So the programs run without
 * an environment in one folder that is everywhere the same, and on the same Node and Pyodide the files come out
 * the same, byte for byte.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const traces = join(root, "bench/traces");
const folder = join(tmpdir(), "pymalloc-traces");

/** Order lines of the example: all of them would make a trace of four million events. */
const BOOKSHOP_LINES = 2000;

const programs = [
  ...readdirSync(join(traces, "programs")).map((name) => join(traces, "programs", name)),
  join(root, "bench/programs/classes.py"),
  join(root, "bench/programs/dicts.py"),
  join(root, "examples/bookshop.py"),
];

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
const rows = readFileSync(join(root, "examples/bookshop.csv"), "utf8").split("\n");
writeFileSync(join(folder, "bookshop.csv"), `${rows.slice(0, BOOKSHOP_LINES).join("\n")}\n`);
for (const program of programs) {
  const name = basename(program, ".py");
  copyFileSync(program, join(folder, `${name}.py`));
  const words = name === "bookshop" ? ["bookshop.csv"] : [];
  const main = join(root, "dist/cli/main.js");
  const output = join(traces, `${name}.pmt`);
  const args = [main, "record", "--force", "-o", output, `${name}.py`, ...words];
  execFileSync(process.execPath, args, { cwd: folder, env: {}, stdio: ["ignore", "ignore", 2] });
}
rmSync(folder, { recursive: true });
