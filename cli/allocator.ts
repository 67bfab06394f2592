/** `--malloc` and `--linked`: which allocator a program runs on. */
import { mallocModes, nameOf } from "../base/base.js";
import { type AllocatorName, linkedPyodideFolder } from "../interpreter/interpreter.js";
import { StatusLine, UsageError } from "../process/process.js";

export const allocatorOptions = {
  malloc: { type: "string" },
  linked: { type: "boolean" },
} as const;

/** What `--malloc` and PYTHONMALLOC choose from: the library's words, and those that CPython added. */
const words: Record<string, AllocatorName> = {
  ...Object.fromEntries(Object.entries(mallocModes).map(([word, mode]) => [word, nameOf(mode)])),
  mimalloc: "mimalloc",
  mimalloc_debug: "mimalloc_debug",
};

export interface AllocatorChoice {
  readonly allocator: AllocatorName;
  /** With `"linked"`: PYTHONMALLOC's word for it. */
  readonly word: string | undefined;
}

function readWord(option: string | undefined): string | undefined {
  const word = option ?? process.env["PYTHONMALLOC"] ?? "";
  return word === "" && option === undefined ? undefined : word;
}

/** @throws UsageError at a word that chooses none */
export function readAllocator(values: {
  readonly malloc?: string | undefined;
  readonly linked?: boolean | undefined;
}): AllocatorChoice {
  const { malloc, linked } = values;
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
  return linked ? { allocator: "linked", word } : { allocator: name, word: undefined };
}

/** What the interpreter is told of it; the linked one is made first where there is none, and stderr tells of that. */
export async function onAllocator({ allocator, word }: AllocatorChoice): Promise<{
  readonly allocator: AllocatorName;
  readonly word: string | undefined;
  readonly folder?: string;
}> {
  if (allocator !== "linked") return { allocator, word };
  const line = new StatusLine();
  const folder = await linkedPyodideFolder((step) => line.show(`${step} ...`));
  line.clear();
  return { allocator, word, folder };
}
