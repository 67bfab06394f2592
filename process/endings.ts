/**
 * How a run of the command ends: the one place that decides exit statuses and last words.
 *
 * The user's and the machine's mistakes are told in one line, without a stack; so is what a program did to its
 * interpreter. A stack means a mistake of ours. Whoever can fail throws a UsageError, or lets the error of a system call
 * through; only what is neither comes out as "internal error".
 *
 *     0 to 125   the Python program's own, as CPython has them: 1 for an exception, 120 where its output failed
 *     2          UsageError, or a system call that failed
 *     70         a mistake of ours
 *     128 + n    ended by signal n, or as if: 130 SIGINT, 134 SIGABRT, 139 SIGSEGV, 141 SIGPIPE, 143 SIGTERM
 */
import { constants } from "node:os";
import { CorruptedHeap, ExplainedCrash, ReadersGone, reasonOf, UsageError } from "./errors.js";
import { printable, tell } from "./output.js";

/** The status of a program that a signal ends. */
export function statusOf(signal: keyof typeof constants.signals): number {
  return 128 + constants.signals[signal];
}

const INTERNAL = 70;

/** Where a debug mode was on, and has found nothing. */
const NOTHING_FOUND =
  "No damaged block was found, and no pointer to one that was freed; what was freed long ago is not held back any more.";

const HINT = "Where memory was corrupted, `pymalloc run --malloc debug` may name the mistake.";

/** Of a system call that failed: Node's errors have its name and the error's. */
function isOfSystem(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "code" in error;
}

/** V8's words for memory that is not there, neither in its own heap nor for WebAssembly. */
function isOutOfMemory(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const outgrown = (error as NodeJS.ErrnoException).code === "ERR_WORKER_OUT_OF_MEMORY";
  return outgrown || (error instanceof RangeError && /allocat|memory/i.test(error.message));
}

/** What an error comes to: a status, and the lines that tell of it, none where nothing is to be told. */
export function endingOf(error: unknown): { readonly status: number; readonly lines: string[] } {
  if (error instanceof ReadersGone) return { status: statusOf("SIGPIPE"), lines: [] };
  if (error instanceof UsageError) return { status: 2, lines: [`pymalloc: ${error.message}`] };
  if (error instanceof CorruptedHeap) {
    const lines = [`pymalloc: the program corrupted its heap: ${error.message}`, HINT];
    return { status: statusOf("SIGABRT"), lines };
  }
  if (error instanceof ExplainedCrash) {
    const { status, lines } = endingOf(error.crash);
    const explanation = (error.explanation ?? NOTHING_FOUND).replace(/\n$/, "").split("\n");
    return { status, lines: [...lines.filter((line) => line !== HINT), ...explanation] };
  }
  // Pyodide marks what the interpreter itself died of.
  if (error instanceof Error && "pyodide_fatal_error" in error) {
    // `abort` is either, by the version of Emscripten.
    const aborted = /^Aborted\(|^unreachable/.test(error.message);
    const lines = [`pymalloc: the interpreter crashed: ${reasonOf(error)}`, HINT];
    return { status: statusOf(aborted ? "SIGABRT" : "SIGSEGV"), lines };
  }
  if (isOutOfMemory(error)) {
    return { status: 2, lines: [`pymalloc: out of memory: ${reasonOf(error)}`] };
  }
  if (isOfSystem(error)) return { status: 2, lines: [`pymalloc: ${error.message}`] };
  const text = error instanceof Error ? (error.stack ?? error.message) : reasonOf(error);
  return {
    status: INTERNAL,
    lines: text.split("\n").map((line, n) => (n ? line : `pymalloc: internal error: ${line}`)),
  };
}

/** Tells of an error. @returns the exit status */
export function endWith(error: unknown): number {
  const { status, lines } = endingOf(error);
  try {
    for (const line of lines) tell(`${printable(line)}\n`);
  } catch {
    // Nobody can be told.
  }
  return status;
}
