/**
 * Where the bench has its Python programs and its interpreters: in this process. In a page of a browser, `page/interpreters.ts` stands
 * in the place of this file, and all that measures with it goes there as it is.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type AllocatorName, linkedPyodideFolder } from "../interpreter/interpreter.js";
import { type Candidate, loadCandidate } from "../measure/measure.js";
import { stockFolder } from "./stock.js";

export interface Program {
  /** A folder beside this file. */
  readonly folder: string;
  /** The file's name, without the `.py`. */
  readonly name: string;
}

/** The allocators that run in the stock program, each in one of its own. */
export const ON_STOCK: readonly AllocatorName[] = [
  "malloc",
  "mimalloc",
  "pymalloc",
  "pymalloc_debug",
];

function pathOf(folder: string): string {
  return fileURLToPath(new URL(folder, import.meta.url));
}

/** The programs of a folder, in the order of their names. */
export async function programsIn(folder: string): Promise<Program[]> {
  const names = readdirSync(pathOf(folder)).filter((name) => name.endsWith(".py"));
  return names.sort().map((name) => ({ folder, name: name.slice(0, -".py".length) }));
}

/** A new interpreter with a program, and these variables in its environment. */
export async function load(
  allocator: AllocatorName,
  { folder, name }: Program,
  env: Record<string, string> = {},
): Promise<Candidate> {
  const cwd = pathOf(folder);
  const file = join(cwd, `${name}.py`);
  return await loadCandidate({
    ...{ allocator, env },
    script: { path: file, file, cwd, arguments: [] },
    stdin: () => new Uint8Array(),
    folder:
      allocator === "linked"
        ? await linkedPyodideFolder()
        : stockFolder(ON_STOCK.indexOf(allocator)),
  });
}
