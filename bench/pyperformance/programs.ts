/** The programs of a checkout of pyperformance. */
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, join } from "node:path";
import { UsageError } from "../../process/process.js";

/** One program with arguments; most have none. */
export interface Program {
  /** Its folder, or what describes it there. */
  readonly name: string;
  readonly file: string;
  readonly arguments: readonly string[];
}

const MAIN = "run_benchmark.py";

/** The arguments that a program's description has for it; undefined where it describes no program. */
function argumentsIn(toml: string): readonly string[] | undefined {
  if (!/^\[tool\.pyperformance\]/m.test(toml)) return undefined;
  const options = /^extra_opts\s*=\s*(\[.*\])/m.exec(toml)?.[1];
  return options === undefined ? [] : (JSON.parse(options) as string[]);
}

/** One program for each of the descriptions in its folder. */
function programsIn(folder: string): Program[] {
  const file = join(folder, MAIN);
  const names = readdirSync(folder).filter((name) => name.endsWith(".toml"));
  const programs = names.sort().flatMap((name) => {
    const options = argumentsIn(readFileSync(join(folder, name), "utf8"));
    return options === undefined
      ? []
      : [{ name: `${basename(folder)}/${name}`, file, arguments: options }];
  });
  return programs.length > 0 ? programs : [{ name: basename(folder), file, arguments: [] }];
}

/** @throws UsageError where a folder has none */
export function findPrograms(path: string): Program[] {
  const names = existsSync(path) ? readdirSync(path) : [];
  const folders = names.filter(
    (name) => name.startsWith("bm_") && existsSync(join(path, name, MAIN)),
  );
  if (folders.length === 0) {
    throw new UsageError(
      `--programs is ${path}, expected a folder with pyperformance's programs (bm_*/${MAIN})`,
    );
  }
  return folders.sort().flatMap((name) => programsIn(realpathSync(join(path, name))));
}
