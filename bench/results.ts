/** bench/results/: a file for each processor and engine, so that a run on another one overwrites nothing of these. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import type { Engine } from "./engines.js";
import type { Figures, Part } from "./parts.js";

/** With what a part was measured, and on what. */
export interface Conditions {
  readonly version: string;
  readonly engine: string;
  readonly processor: string;
  readonly cores: number;
  /** Bytes of build/core.wasm. */
  readonly coreBytes: number;
}

export type Measured<P extends Part> = Conditions & { readonly figures: Figures[P] };

/** What one file has: each part with its own conditions. */
export type Results = { readonly [P in Part]?: Measured<P> };

const folder = new URL("results/", import.meta.url);

/** Linux says more than the name, which processors of several generations share. */
function processorName(): string {
  const name = (cpus()[0]?.model ?? "unknown").replace(/\((R|TM)\)/g, "").trim();
  if (process.platform !== "linux") return name;
  const told = readFileSync("/proc/cpuinfo", "utf8");
  const [family, model] = ["cpu family", "model"].map(
    (key) => told.match(new RegExp(`^${key}\\s*: (\\d+)$`, "m"))?.[1],
  );
  return family === undefined ? name : `${name} (family ${family}, model ${model})`;
}

/** What all parts of this run are measured with, on an engine. */
export function conditionsOn({ title }: Engine): Conditions {
  return {
    version: (JSON.parse(readFileSync("package.json", "utf8")) as { version: string }).version,
    engine: title,
    processor: processorName(),
    cores: cpus().length,
    coreBytes: statSync("build/core.wasm").size,
  };
}

/** All that was measured, in the order of the files' names. */
export function readResults(): Results[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return files.sort().map((name) => JSON.parse(readFileSync(new URL(name, folder), "utf8")));
}

/** Puts a part that was measured on an engine into the file of that and of the processor. */
export function keep<P extends Part>(part: P, engine: Engine, measured: Measured<P>): void {
  const processor = measured.processor.toLowerCase().replace(/\W+/g, "-").replace(/-$/, "");
  const file = new URL(`${processor}-${engine.name}.json`, folder);
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Results) : {};
  writeFileSync(file, `${JSON.stringify({ ...before, [part]: measured }, null, 2)}\n`);
}

/** Writes a file that is made of all that was measured. */
export function writeResultFile(name: string, content: string): void {
  writeFileSync(new URL(name, folder), content);
}
