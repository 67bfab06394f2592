/**
 * `npm run bench`: measures everything that the README claims, prints it, and writes it to bench/results/, the four
 * main figures into the README, and the tables of records into the guide. With the names of parts
 * (`npm run bench -- python traces`) it measures only those; the others stay as they were measured, and each says with
 * which core and on what machine.
 */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { benchGuests } from "./guests.js";
import { benchJavaScript } from "./javascript.js";
import { benchMemory } from "./memory.js";
import { benchPython } from "./python.js";
import { benchRecords } from "./records.js";
import {
  type Conditions,
  PARTS,
  type Part,
  type Results,
  renderPart,
  renderSummary,
  renderTables,
} from "./render.js";
import { resultFiles } from "./result-files.js";
import { benchTraces } from "./traces.js";

const PYTHON_PROCESSES = 5;
const PYTHON_ROUNDS = 6;
/** A stock interpreter starts with one of three sizes, 2 % apart, by chance. */
const STARTS = 15;
/** Each with a placement of the code of its own. */
const PLACEMENTS = 8;
const TRACE_ROUNDS = 4;
const GUEST_PROCESSES = 7;
const GUEST_ROUNDS = 9;
const RECORD_ROUNDS = 5;
const results = new URL("results/", import.meta.url);

const measures: {
  readonly [P in Part]: () => Results[P]["figures"] | Promise<Results[P]["figures"]>;
} = {
  javascript: benchJavaScript,
  python: () => benchPython(PYTHON_PROCESSES, PYTHON_ROUNDS),
  memory: () => benchMemory(STARTS),
  traces: () => benchTraces(PLACEMENTS, TRACE_ROUNDS),
  guests: () => benchGuests(GUEST_PROCESSES, GUEST_ROUNDS),
  records: () => benchRecords(RECORD_ROUNDS),
};

const conditions: Conditions = {
  version: (JSON.parse(readFileSync("package.json", "utf8")) as { version: string }).version,
  node: process.version,
  cpu: `${cpus()[0]?.model ?? "unknown"}, ${cpus().length} cores`,
  coreBytes: statSync("build/core.wasm").size,
};

/** Puts text between the marks of a page. */
function fill(page: string, mark: string, text: string): void {
  const section = new RegExp(`(<!-- ${mark} -->\\n)[\\s\\S]*(<!-- /${mark} -->)`);
  writeFileSync(page, readFileSync(page, "utf8").replace(section, `$1\n${text}\n\n$2`));
}

function write(measured: Results): void {
  writeFileSync(new URL("results.json", results), `${JSON.stringify(measured, null, 2)}\n`);
  for (const [name, content] of Object.entries(resultFiles(measured))) {
    writeFileSync(new URL(name, results), content);
  }
  fill("README.md", "results", renderSummary(measured));
  fill("docs/guide/library.md", "records", renderTables("records", measured));
}

const asked = process.argv.slice(2);
const unknown = asked.filter((part) => !PARTS.includes(part as Part));
if (unknown.length > 0) {
  console.error(`bench: unknown part ${unknown.join(", ")}, expected one of ${PARTS.join(", ")}`);
  process.exit(2);
}
let measured = JSON.parse(readFileSync(new URL("results.json", results), "utf8")) as Results;
for (const part of PARTS.filter((name) => asked.length === 0 || asked.includes(name))) {
  measured = { ...measured, [part]: { ...conditions, figures: await measures[part]() } };
  write(measured);
  console.log(`${renderPart(part, measured)}\n`);
}
