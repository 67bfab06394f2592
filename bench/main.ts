/**
 * `npm run bench`: measures everything that the README claims, prints it, and writes it to
 * bench/results/ and into the README. `npm run bench -- javascript`, `-- python`, `-- traces` or `-- guests` measures only that part, and
 * writes nothing.
 */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { renderChart } from "./chart.js";
import { benchGuests } from "./guests.js";
import { benchJavaScript } from "./javascript.js";
import { benchPython } from "./python.js";
import {
  type Results,
  renderGuests,
  renderJavaScript,
  renderPython,
  renderTraces,
} from "./render.js";
import { benchTraces } from "./traces.js";

const ROUNDS = 15;
const TRACE_PROCESSES = 7;
const TRACE_ROUNDS = 4;
const GUEST_PROCESSES = 7;
const GUEST_ROUNDS = 9;
const results = new URL("results/", import.meta.url);
const parts = process.argv.slice(2);
const known = ["javascript", "python", "traces", "guests"];
const unknown = parts.filter((part) => !known.includes(part));
if (unknown.length > 0) {
  console.error(`bench: unknown part ${unknown.join(", ")}, expected one of ${known.join(", ")}`);
  process.exit(2);
}
const wants = (part: string) => parts.length === 0 || parts.includes(part);

const javascript = wants("javascript") ? await benchJavaScript() : undefined;
if (javascript !== undefined) console.log(`${renderJavaScript(javascript)}\n`);
const python = wants("python") ? await benchPython(ROUNDS) : undefined;
if (python !== undefined) console.log(`${renderPython(python)}\n`);

const traces = wants("traces") ? await benchTraces(TRACE_PROCESSES, TRACE_ROUNDS) : undefined;
if (traces !== undefined) console.log(`${renderTraces(traces)}\n`);
const guests = wants("guests") ? await benchGuests(GUEST_PROCESSES, GUEST_ROUNDS) : undefined;
if (guests !== undefined) console.log(`${renderGuests(guests)}\n`);

if (javascript && python && traces && guests) {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  const measured: Results = {
    version,
    node: process.version,
    cpu: `${cpus()[0]?.model ?? "unknown"}, ${cpus().length} cores`,
    coreBytes: statSync("build/core.wasm").size,
    javascript,
    python,
    traces,
    guests,
  };
  writeFileSync(new URL("results.json", results), `${JSON.stringify(measured, null, 2)}\n`);
  const text = `${renderJavaScript(javascript)}\n\n${renderPython(python)}\n\n${renderTraces(traces)}\n\n${renderGuests(guests)}\n`;
  writeFileSync(new URL("traces.svg", results), renderChart(traces));
  writeFileSync(new URL("results.md", results), text);
  const readme = readFileSync("README.md", "utf8");
  const section = /(<!-- results -->\n)[\s\S]*(<!-- \/results -->)/;
  writeFileSync("README.md", readme.replace(section, `$1\n${text}\n$2`));
}
