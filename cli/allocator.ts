/** `--malloc`, `--linked`, `--limit`: which allocator a program runs on, and how much memory it may take. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { mallocModes, nameOf } from "../base/base.js";
import { type AllocatorName, linkedPyodideFolder } from "../interpreter/interpreter.js";
import { StatusLine, UsageError } from "../process/process.js";
import { readLimitOption } from "./arguments.js";

export const allocatorOptions = {
  malloc: { type: "string" },
  linked: { type: "boolean" },
  pyodide: { type: "string" },
  limit: { type: "string" },
} as const;

/** What `--malloc` and PYTHONMALLOC choose from: the library's words, and those that CPython added. */
const words: Record<string, AllocatorName> = {
  ...Object.fromEntries(Object.entries(mallocModes).map(([word, mode]) => [word, nameOf(mode)])),
  mimalloc: "mimalloc",
  mimalloc_debug: "mimalloc_debug",
};

export interface AllocatorChoice {
  readonly allocator: AllocatorName;
  /** With `"linked"`: PYTHONMALLOC's word for it, and the folder of the linked Pyodide where it is not to be made. */
  readonly word: string | undefined;
  readonly folder?: string;
  /** In bytes; undefined for none. */
  readonly limitBytes: number | undefined;
}

/** Less than this, not even Python starts; in megabytes. */
const LEAST_LIMIT = 32;

function readLimit(verb: string, option: string | undefined, word = ""): number | undefined {
  if (option === undefined) return undefined;
  if (!word.startsWith("mimalloc")) return readLimitOption(verb, option, LEAST_LIMIT);
  throw new UsageError(
    `${verb}: --limit holds what the system malloc takes, and mimalloc takes its own`,
  );
}

function readWord(option: string | undefined): string | undefined {
  const word = option ?? process.env["PYTHONMALLOC"] ?? "";
  return word === "" && option === undefined ? undefined : word;
}

/** The absolute path of a folder that `pymalloc link` wrote. @throws UsageError where there is no Pyodide in it */
function linkedFolder(verb: string, path: string): string {
  if (existsSync(join(path, "pyodide.mjs"))) return resolve(path);
  throw new UsageError(
    `${verb}: --pyodide: no Pyodide in ${path}, expected a folder that pymalloc link wrote`,
  );
}

/** @throws UsageError at a word that chooses none, or a limit that can't be kept */
export function readAllocator(
  verb: string,
  values: {
    readonly malloc?: string | undefined;
    readonly linked?: boolean | undefined;
    readonly pyodide?: string | undefined;
    readonly limit?: string | undefined;
  },
): AllocatorChoice {
  const { malloc, linked, pyodide, limit } = values;
  if (linked && pyodide !== undefined) {
    throw new UsageError(`${verb}: --linked links one itself, so --pyodide has nothing to name`);
  }
  const word = readWord(malloc);
  const name =
    word === undefined ? "pymalloc" : Object.hasOwn(words, word) ? words[word] : undefined;
  if (name === undefined) {
    const where = malloc === undefined ? "PYTHONMALLOC" : "--malloc";
    const expected = Object.keys(words).join(", ");
    throw new UsageError(
      `${where}: unknown allocator ${JSON.stringify(word)}, expected one of: ${expected}`,
    );
  }
  const limitBytes = readLimit(verb, limit, word);
  if (pyodide !== undefined) {
    return { allocator: "linked", word, limitBytes, folder: linkedFolder(verb, pyodide) };
  }
  return linked
    ? { allocator: "linked", word, limitBytes }
    : { allocator: name, word: undefined, limitBytes };
}

/** What the interpreter is told of it; the linked one is made first where there is none, and stderr tells of that. */
export async function onAllocator(choice: AllocatorChoice): Promise<AllocatorChoice> {
  if (choice.allocator !== "linked" || choice.folder !== undefined) return choice;
  const line = new StatusLine();
  const folder = await linkedPyodideFolder((step) => line.show(`${step} ...`));
  line.clear();
  return { ...choice, folder };
}
