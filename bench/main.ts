/**
 * `npm run bench`: measures everything that the README claims, prints it, and writes it to
 * bench/results/ and into the README. `npm run bench -- javascript` or `-- python` measures only that part, and writes nothing.
 */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { benchJavaScript } from "./javascript.js";
import { benchPython } from "./python.js";
import { type Results, renderJavaScript, renderPython } from "./render.js";

const ROUNDS = 15;
const results = new URL("results/", import.meta.url);
const parts = process.argv.slice(2);
const unknown = parts.filter((part) => part !== "javascript" && part !== "python");
if (unknown.length > 0) {
  console.error(`bench: unknown part ${unknown.join(", ")}, expected javascript or python`);
  process.exit(2);
}
const wants = (part: string) => parts.length === 0 || parts.includes(part);

const javascript = wants("javascript") ? await benchJavaScript() : undefined;
if (javascript !== undefined) console.log(`${renderJavaScript(javascript)}\n`);
const python = wants("python") ? await benchPython(ROUNDS) : undefined;
if (python !== undefined) console.log(`${renderPython(python)}\n`);

if (javascript !== undefined && python !== undefined) {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  const measured: Results = {
    version,
    node: process.version,
    cpu: `${cpus()[0]?.model ?? "unknown"}, ${cpus().length} cores`,
    coreBytes: statSync("build/core.wasm").size,
    javascript,
    python,
  };
  writeFileSync(new URL("results.json", results), `${JSON.stringify(measured, null, 2)}\n`);
  const text = `${renderJavaScript(javascript)}\n\n${renderPython(python)}\n`;
  writeFileSync(new URL("results.md", results), text);
  const readme = readFileSync("README.md", "utf8");
  const section = /(<!-- results -->\n)[\s\S]*(<!-- \/results -->)/;
  writeFileSync("README.md", readme.replace(section, `$1\n${text}\n$2`));
}
