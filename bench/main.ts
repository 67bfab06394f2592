/**
 * `npm run bench`: measures everything that the README claims, prints it, and writes it to
 * bench/results/ and into the README. `npm run bench -- javascript`, `-- python`, `-- memory`, `-- traces` or `-- guests` measures only that
 * part; the others stay as they were measured, where that was with the same core.
 */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { renderChart } from "./chart.js";
import { benchGuests } from "./guests.js";
import { benchJavaScript } from "./javascript.js";
import { benchMemory } from "./memory.js";
import { benchPython } from "./python.js";
import {
  type Results,
  renderGuests,
  renderJavaScript,
  renderMemory,
  renderPython,
  renderTraces,
} from "./render.js";
import { benchTraces } from "./traces.js";

const PYTHON_PROCESSES = 5;
const PYTHON_ROUNDS = 6;
/** A stock interpreter starts with one of three sizes, 2 % apart, by chance. */
const STARTS = 15;
const TRACE_PROCESSES = 7;
const TRACE_ROUNDS = 4;
const GUEST_PROCESSES = 7;
const GUEST_ROUNDS = 9;
const results = new URL("results/", import.meta.url);

/** How each part is measured, in the order of the README. */
const measures = {
  javascript: () => benchJavaScript(),
  python: () => benchPython(PYTHON_PROCESSES, PYTHON_ROUNDS),
  memory: () => benchMemory(STARTS),
  traces: () => benchTraces(TRACE_PROCESSES, TRACE_ROUNDS),
  guests: () => benchGuests(GUEST_PROCESSES, GUEST_ROUNDS),
};
type Part = keyof typeof measures;

const parts = process.argv.slice(2);
const known = Object.keys(measures) as Part[];
const unknown = parts.filter((part) => !known.includes(part as Part));
if (unknown.length > 0) {
  console.error(`bench: unknown part ${unknown.join(", ")}, expected one of ${known.join(", ")}`);
  process.exit(2);
}

const render = {
  javascript: ({ javascript }: Results) => renderJavaScript(javascript),
  python: ({ python }: Results) => renderPython(python),
  memory: ({ memory }: Results) => renderMemory(memory),
  traces: ({ traces }: Results) => renderTraces(traces),
  guests: ({ guests }: Results) => renderGuests(guests),
};

const coreBytes = statSync("build/core.wasm").size;
const file = new URL("results.json", results);
const before = JSON.parse(readFileSync(file, "utf8")) as Results;
const whole = parts.length === 0;
if (!whole && before.coreBytes !== coreBytes) {
  console.error(
    "bench: the core has changed since the last results, so every part has to be measured",
  );
  process.exit(2);
}
let measured: Results = {
  ...before,
  version: (JSON.parse(readFileSync("package.json", "utf8")) as { version: string }).version,
  node: process.version,
  cpu: `${cpus()[0]?.model ?? "unknown"}, ${cpus().length} cores`,
  coreBytes,
};
// The last first: guests need a compiler, and where there is none, nothing else was measured in vain.
for (const part of known.filter((part) => whole || parts.includes(part)).reverse()) {
  measured = { ...measured, [part]: await measures[part]() };
  console.log(`${render[part](measured)}\n`);
}
writeFileSync(file, `${JSON.stringify(measured, null, 2)}\n`);
const text = `${known.map((part) => render[part](measured)).join("\n\n")}\n`;
writeFileSync(new URL("traces.svg", results), renderChart(measured.traces));
writeFileSync(new URL("results.md", results), text);
const readme = readFileSync("README.md", "utf8");
const section = /(<!-- results -->\n)[\s\S]*(<!-- \/results -->)/;
writeFileSync("README.md", readme.replace(section, `$1\n${text}\n$2`));
