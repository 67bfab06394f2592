/** What can go wrong for reasons that are not ours; `endings.ts` says what each comes to. */

/** What the user or the machine can put right: one line on stderr, and exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Nobody reads what is printed any more: nothing is left to do, and nothing to tell. */
export class ReadersGone extends Error {
  override readonly name = "ReadersGone";
}

/** A program left a heap behind that is not in order. */
export class CorruptedHeap extends Error {
  override readonly name = "CorruptedHeap";
}

/** An interpreter crashed in a debug mode, which has looked at what it left. */
export class ExplainedCrash extends Error {
  override readonly name = "ExplainedCrash";

  /** @param crash what Pyodide threw; `explanation` may have several lines */
  constructor(
    readonly crash: unknown,
    readonly explanation: string | undefined,
  ) {
    super(reasonOf(crash));
  }
}

/** What an error says, on one line: Emscripten throws things that are no Errors, and V8 adds lines of source. */
export function reasonOf(error: unknown): string {
  const { name, message } = (error ?? {}) as {
    readonly name?: unknown;
    readonly message?: unknown;
  };
  const text = typeof message === "string" && message !== "" ? message : String(name ?? error);
  return text.split("\n")[0] as string;
}
