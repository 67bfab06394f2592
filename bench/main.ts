/**
 * `npm run bench`: measures what the README claims, prints it, and writes it to bench/results/, the four main figures into
 * the README, and the tables of records into the guide. `npm run bench -- python traces` measures only those parts,
 * `--engine node` only on that engine; what was measured before, and on other processors and engines, stays.
 * `--programs PATH` says where a checkout of pyperformance has its programs (bm_*), which the part of that name measures.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { reasonOf, UsageError } from "../process/process.js";
import { type Engine, type EngineName, engines } from "./engines.js";
import { type Part, partNames, partOf } from "./parts.js";
import { renderPart, renderRecordTables, renderSummary, resultFiles } from "./render.js";
import { conditionsOn, keep, type Measured, readResults, writeResultFile } from "./results.js";

/** What runs without files and without processes, as a page has to. */
const inPages: readonly Part[] = ["python", "memory", "javascript", "inspect"];

function partsOn(engine: EngineName): readonly Part[] {
  return engine === "chromium" ? inPages : partNames;
}

/** What is measured where no engine is asked for: on those that users have, and on the one that we run on. */
const usual: readonly [EngineName, readonly Part[]][] = [
  ["node24", partNames],
  ["node", ["traces"]],
  ["chromium", inPages],
];

/** @throws UsageError where a word is none of those that there are */
function oneOf<Word extends string>(what: string, words: readonly string[], all: readonly Word[]) {
  const unknown = words.filter((word) => !all.includes(word as Word));
  if (unknown.length === 0) return words as Word[];
  throw new UsageError(`unknown ${what} ${unknown.join(", ")}, expected ${all.join(", ")}`);
}

interface Plan {
  readonly engines: readonly [EngineName, readonly Part[]][];
  /** Where pyperformance's programs are. */
  readonly programs: string | undefined;
}

/** The engines that are asked for, and the parts on each. */
function readPlan(): Plan {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      engine: { type: "string", multiple: true, default: [] },
      programs: { type: "string" },
    },
  });
  const { programs } = values;
  const names = oneOf("engine", values.engine, Object.keys(engines) as EngineName[]);
  const parts = oneOf("part", positionals, partNames);
  // These programs are not ours: they are measured where someone has them.
  const all = partNames.filter((part) => part !== "pyperformance" || programs !== undefined);
  const asked = parts.length > 0 ? parts : all;
  const among = (some: readonly Part[]) => asked.filter((part) => some.includes(part));
  for (const name of names) oneOf(`part on ${name}`, parts, partsOn(name));
  return {
    engines:
      names.length > 0
        ? names.map((name) => [name, among(partsOn(name))])
        : usual.map(([name, some]) => [name, among(some)]),
    programs,
  };
}

/** Puts text between the marks of a page. */
function fill(page: string, mark: string, text: string): void {
  const section = new RegExp(`(<!-- ${mark} -->\\n)[\\s\\S]*(<!-- /${mark} -->)`);
  writeFileSync(page, readFileSync(page, "utf8").replace(section, `$1\n${text}\n\n$2`));
}

/** Makes everything anew that shows figures. */
function writePages(): void {
  const results = readResults();
  for (const [name, content] of Object.entries(resultFiles(results))) {
    writeResultFile(name, content);
  }
  fill("README.md", "results", renderSummary(results));
  fill("docs/guide/library.md", "records", renderRecordTables(results));
}

async function measure<P extends Part>(
  part: P,
  engine: Engine,
  programs: string | undefined,
): Promise<void> {
  const figures = await partOf(part).bench(engine, programs);
  const measured: Measured<P> = { ...conditionsOn(engine), figures };
  keep(part, engine, measured);
  console.log(`${renderPart(part, measured)}\n`);
  writePages();
}

try {
  const plan = readPlan();
  for (const [name, parts] of plan.engines) {
    if (parts.length === 0) continue;
    const engine = await engines[name]();
    for (const part of parts) await measure(part, engine, plan.programs);
  }
} catch (error) {
  const isWrongWord = `${(error as { code?: unknown }).code}`.startsWith("ERR_PARSE_ARGS");
  if (!isWrongWord && !(error instanceof UsageError)) throw error;
  console.error(`bench: ${reasonOf(error)}`);
  process.exitCode = 2;
}
