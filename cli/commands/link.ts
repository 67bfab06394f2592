/** `pymalloc link`: a Pyodide whose CPython has pymalloc, from one that was built without; or a guest that needs no host. */
import { statSync } from "node:fs";
import { basename } from "node:path";
import { isatty } from "node:tty";
import { tellingLeftovers } from "../../interpreter/interpreter.js";
import { LinkError, leastLimit, link, linkGuestFile, PROGRAM } from "../../link/link.js";
import {
  print,
  printable,
  printJson,
  StatusLine,
  tell,
  UsageError,
  whole,
} from "../../process/process.js";
import { parseOptions, readLimitOption } from "../arguments.js";
import type { Command } from "../command.js";

const HELP = `Usage: pymalloc link [options] PYODIDE_DIR -o OUT_DIR
       pymalloc link [--with-pydebug] [--json] GUEST.wasm -o OUT.wasm

Writes a copy of an installed Pyodide (node_modules/pyodide, or its pyodide.asm.wasm) whose CPython has
pymalloc linked in and uses it from its first allocation on, as if it had been configured
--with-pymalloc. Serve OUT_DIR in the place of the original; nothing else changes. It takes
some seconds, and needs the package binaryen.

  -o, --output DIR     the folder to write, which must not exist
  --with-pymalloc      link pymalloc in (the default)
  --without-pymalloc   copy the folder as it is
  --with-pydebug       link the debug heap in as well: PYTHONMALLOC's debug modes are pymalloc's own, from the first
                       object on and without any JavaScript, and debug is the default, as in a CPython that was
                       configured --with-pydebug
  --initial-memory MB  how long the memory is at its start (1 MB = 2^20 bytes); since Pyodide 314 a memory snapshot
                       of a heap that has grown beyond that can't be restored
  --limit SIZE         how long the memory may become, as in 200MB: beyond that Python gets a MemoryError; from 32MB on
                       (with --with-pydebug from 48MB)
  --json               print what was done as JSON
  --help               print this text

In the linked interpreter PYTHONMALLOC takes all of CPython's words: default, pymalloc, malloc, mimalloc (where
the CPython has it), debug, pymalloc_debug, malloc_debug, mimalloc_debug.

A guest is a WebAssembly program that imports from "pymalloc", as include/pymalloc.h and include/pymalloc_malloc.c
do. OUT.wasm has its memory and its heap itself, and runs in any engine without this library. --with-pydebug links
the debug heap in: a mistake ends the program, with a report on standard error where the guest has WASI, and
where its export pymalloc_report() says.
`;

const options = {
  output: { type: "string", short: "o" },
  "with-pymalloc": { type: "boolean" },
  "without-pymalloc": { type: "boolean" },
  "with-pydebug": { type: "boolean" },
  "initial-memory": { type: "string" },
  limit: { type: "string" },
  json: { type: "boolean" },
} as const;

/** Steps on stderr: one line that is written over, or where that is no terminal, a line each. */
function steps(): { step(what: string): void; clear(): void } {
  if (!isatty(2)) return { step: (what) => tell(`${printable(what)} ...\n`), clear() {} };
  const line = new StatusLine();
  return { step: (what) => line.show(`${what} ...`), clear: () => line.clear() };
}

/** `--initial-memory` in bytes. @throws UsageError unless it is a whole number from 1 to 4096 */
function readMegabytes(option: string | undefined): number | undefined {
  if (option === undefined) return undefined;
  const megabytes = /^\d+$/.test(option) ? Number(option) : 0;
  if (megabytes < 1 || megabytes > 4096) {
    throw new UsageError(
      `link: --initial-memory: ${JSON.stringify(option)} is not a whole number of megabytes from 1 to 4096`,
    );
  }
  return megabytes * 2 ** 20;
}

/** Is this a file that is no Pyodide's program? */
function isGuest(path: string): boolean {
  try {
    return basename(path) !== PROGRAM && statSync(path).isFile();
  } catch {
    return false; // what is wrong with it is told as of a Pyodide
  }
}

/** What of the options is for a Pyodide only. */
const OF_PYODIDE = ["with-pymalloc", "without-pymalloc", "initial-memory", "limit"] as const;

async function linkOneGuest(
  guest: string,
  output: string,
  withPydebug: boolean,
  json: boolean,
): Promise<number> {
  const { step, clear } = steps();
  try {
    const report = await linkGuestFile({ guest, output, withPydebug, onProgress: step });
    clear();
    const { bytesBefore, bytesAfter, seconds } = report;
    const what = `with pymalloc${withPydebug ? " and its debug heap" : ""} in it`;
    const bytes = `${whole(bytesAfter)} bytes, before ${whole(bytesBefore)}`;
    if (json) printJson(report);
    else print(`${printable(`${output}: ${what}, ${bytes} (${seconds.toFixed(1)} s)`)}\n`);
    return 0;
  } catch (error) {
    clear();
    throw error instanceof LinkError ? new UsageError(`link: ${error.message}`) : error;
  }
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptions("link", {
    args: [...args],
    options,
    allowPositionals: true,
  });
  const [pyodide, ...more] = positionals;
  if (pyodide === undefined)
    throw new UsageError("link: the folder of a Pyodide is missing, or the file of a guest");
  if (more.length > 0) throw new UsageError(`link: one Pyodide at a time, not also ${more[0]}`);
  const { output } = values;
  if (output === undefined) throw new UsageError("link: -o OUT_DIR is missing");
  if (isGuest(pyodide)) {
    const wrong = OF_PYODIDE.find((name) => values[name] !== undefined);
    if (wrong !== undefined) {
      throw new UsageError(`link: --${wrong} is for a Pyodide, and ${pyodide} is a file`);
    }
    return await linkOneGuest(
      pyodide,
      output,
      values["with-pydebug"] ?? false,
      values.json ?? false,
    );
  }
  if (values["with-pymalloc"] && values["without-pymalloc"]) {
    throw new UsageError("link: --with-pymalloc and --without-pymalloc contradict each other");
  }
  const withPymalloc = !values["without-pymalloc"];
  const withPydebug = values["with-pydebug"] ?? false;
  if (withPydebug && !withPymalloc) {
    throw new UsageError(
      "link: --with-pydebug is the debug heap of pymalloc, and --without-pymalloc leaves that out",
    );
  }
  const initialBytes = readMegabytes(values["initial-memory"]);
  const { limit } = values;
  const limitBytes =
    limit === undefined ? undefined : readLimitOption("link", limit, leastLimit(withPydebug));
  const { step, clear } = steps();
  try {
    const report = await tellingLeftovers((onPartial) =>
      link({
        ...{ pyodide, output, withPymalloc, withPydebug, onProgress: step, onPartial },
        ...(initialBytes === undefined ? {} : { initialBytes }),
        ...(limitBytes === undefined ? {} : { limitBytes }),
      }),
    );
    clear();
    const { bytesBefore, bytesAfter, seconds } = report;
    const what = withPymalloc
      ? `with pymalloc${withPydebug ? " and its debug heap" : ""}, ${whole(bytesAfter - bytesBefore)} bytes longer`
      : "without pymalloc, as it was";
    const line = `${output}: Pyodide ${report.pyodide} ${what} (${seconds.toFixed(1)} s)`;
    if (values.json) printJson(report);
    else print(`${printable(line)}\n`);
    return 0;
  } catch (error) {
    clear();
    throw error instanceof UsageError ? new UsageError(`link: ${error.message}`) : error;
  }
}

export const linkCommand: Command = {
  summary: "link pymalloc into an installed Pyodide, or into a guest",
  help: HELP,
  supervised: true,
  main,
};
