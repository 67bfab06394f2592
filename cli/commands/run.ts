/** `pymalloc run`: a Python program in a CPython on pymalloc. */
import type { PyMemError } from "../../base/base.js";
import {
  type AllocatorName,
  Interpreter,
  type Look,
  OWN_FRAMES,
  type Script,
} from "../../interpreter/interpreter.js";
import { compare, renderComparison } from "../../measure/measure.js";
import {
  endWith,
  print,
  printJson,
  requireWritable,
  statusOf,
  supervision,
  tell,
  UsageError,
  writeAll,
} from "../../process/process.js";
import { emptyStats, formatStats, type HeapStats } from "../../src/report/report.js";
import {
  type AllocatorChoice,
  allocatorOptions,
  onAllocator,
  readAllocator,
} from "../allocator.js";
import { readRounds } from "../arguments.js";
import type { Command } from "../command.js";
import { parseScriptLine, readScript } from "../script.js";
import { readFormat, SnapshotTaker } from "../snapshots.js";

const HELP = `Usage: pymalloc run [options] SCRIPT [ARGUMENTS...]

Runs a Python program in CPython (Pyodide) whose objects live in pymalloc's pools. The
current directory and the script's directory are there for it to read and write, its streams
are the terminal's, and its exit status is passed on. Options stand before SCRIPT; what
follows SCRIPT is the program's own.

  --malloc VALUE  the allocator, by PYTHONMALLOC's words: default, pymalloc, malloc, mimalloc,
                  and the debug modes debug, pymalloc_debug, malloc_debug (ours) and
                  mimalloc_debug (CPython's); without the option, the variable PYTHONMALLOC decides
  --on-fault WORD in a debug mode: stop (the default) at the first mistake, with status 134,
                  or report it and go on
  --stacks        in a debug mode: say where a block was allocated and freed
  --linked        link pymalloc into CPython (once, in the user's cache folder), and run the program on
                  that; --malloc and PYTHONMALLOC then choose as they do in CPython itself
  --pyodide DIR   run the program on the Pyodide in DIR, which pymalloc link has written; --malloc and
                  PYTHONMALLOC choose as with --linked. One linked --with-pydebug is in a debug mode by itself
  --limit SIZE    how much memory the program may take, Python included, as in 200MB: beyond that it gets a
                  MemoryError; from 32MB on
  --stats         print the allocator's statistics on stderr afterwards: those of the moment when the
                  program has ended, and its globals are still there
  --snapshot-on-crash FILE
                  if the interpreter crashes, or a debug mode stops it, keep its memory in
                  FILE (.pymem or .heapsnapshot) for pymalloc heap; FILE is written over
  --compare       run the program several times on CPython's own malloc, on mimalloc, on pymalloc
                  and on pymalloc linked in, in turn, then in the debug mode, and report time
                  and memory on stderr
  --rounds N      with --compare: how many timed rounds (default 9)
  --json          print the report as JSON on stdout; the program's own output goes to stderr
  --help          print this text

PYTHONMALLOCSTATS=1 prints the statistics at each new arena and at exit, when the globals have gone,
as in CPython.
`;

const options = {
  ...allocatorOptions,
  "on-fault": { type: "string" },
  stacks: { type: "boolean" },
  stats: { type: "boolean" },
  "snapshot-on-crash": { type: "string" },
  compare: { type: "boolean" },
  rounds: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** With these, the debug mode is ours. */
function isOurDebugMode(allocator: AllocatorName): boolean {
  return allocator === "pymalloc_debug" || allocator === "malloc_debug";
}

interface RunOptions {
  readonly script: Script;
  readonly chosen: AllocatorChoice;
  readonly goesOn: boolean;
  readonly stacks: boolean;
  readonly stats: boolean;
  /** Where the memory goes if the interpreter crashes. */
  readonly onCrash: string | undefined;
  readonly compare: boolean;
  readonly rounds: number;
  readonly json: boolean;
}

/** Does the program go on after a mistake? */
function readOnFault(word: string | undefined): boolean {
  if (word !== undefined && word !== "stop" && word !== "report") {
    throw new UsageError(`--on-fault: ${JSON.stringify(word)} is neither stop nor report`);
  }
  return word === "report";
}

function readComparedRounds(option: string | undefined, compares: boolean): number {
  if (option === undefined) return 9;
  if (!compares) throw new UsageError("--rounds goes with --compare");
  return readRounds(option, 3);
}

function readOnCrash(path: string | undefined, compares: boolean): string | undefined {
  if (path === undefined) return undefined;
  if (compares) throw new UsageError("run: --snapshot-on-crash does not go with --compare");
  readFormat(path, undefined);
  requireWritable(path, "the snapshot", true);
  return path;
}

function parse(args: readonly string[]): RunOptions | "help" {
  const { values, path, rest } = parseScriptLine("run", args, options);
  if (values.help) return "help";
  const compares = values.compare ?? false;
  if (compares && values.malloc !== undefined) {
    throw new UsageError("run: --compare runs all allocators, so --malloc has nothing to choose");
  }
  if (compares && values.linked) {
    throw new UsageError(
      "run: --compare compares the linked one, too, so --linked chooses nothing",
    );
  }
  if (compares && values.pyodide !== undefined) {
    throw new UsageError("run: --compare runs all allocators, so --pyodide has nothing to choose");
  }
  if (compares && values.limit !== undefined) {
    throw new UsageError("run: --compare measures without a limit, so --limit has nothing to hold");
  }
  const chosen = readAllocator("run", compares ? { malloc: "pymalloc" } : values);
  const debug = isOurDebugMode(chosen.allocator);
  for (const option of ["on-fault", "stacks"] as const) {
    const may = debug || (option === "on-fault" && values.pyodide !== undefined);
    if (values[option] !== undefined && !may) {
      const which =
        chosen.allocator === "linked"
          ? "our debug mode, and not with a linked one"
          : "a debug mode";
      throw new UsageError(`--${option} goes with ${which}, as in --malloc debug`);
    }
  }
  return {
    script: readScript("run", path, rest),
    chosen,
    goesOn: readOnFault(values["on-fault"]),
    stacks: values.stacks ?? false,
    stats: values.stats ?? false,
    onCrash: readOnCrash(values["snapshot-on-crash"], compares),
    compare: compares,
    rounds: readComparedRounds(values.rounds, compares),
    json: values.json ?? false,
  };
}

/** Tells it in the middle of the program, which no exception may cut through. */
function tellOrEnd(text: string): void {
  try {
    tell(text);
  } catch (error) {
    process.exit(endWith(error));
  }
}

async function runOnce(options: RunOptions): Promise<number> {
  const { script, chosen, stats, onCrash, json } = options;
  const { allocator } = chosen;
  const faults: PyMemError[] = [];
  const statsNow = () => interpreter.heap?.stats();
  const table = (of = statsNow()) => formatStats(of ?? emptyStats());
  const always = Boolean(process.env["PYTHONMALLOCSTATS"]);
  let started = 0;
  /** Of the moment before the globals go. */
  let atEnd: HeapStats | undefined;

  function lookAtEnd(): void {
    try {
      atEnd = statsNow();
    } catch {
      // The heap is damaged: `validate` says how.
    }
  }

  function close(status: number): number {
    const seconds = (performance.now() - started) / 1000;
    if (stats || always) {
      tell(table(stats ? atEnd : undefined) || `${allocator} keeps no statistics\n`);
    }
    if (json) {
      const report = {
        program: script.path,
        arguments: script.arguments,
        pyodide: interpreter.version,
        allocator,
        status,
        seconds,
        heapBytes: interpreter.heapBytes(),
        stats: atEnd ?? statsNow() ?? null,
        faults: faults.map((fault) => ({ ...fault, message: fault.message })),
      };
      printJson(report);
    }
    return status;
  }

  const crash =
    onCrash === undefined
      ? undefined
      : new SnapshotTaker(onCrash, readFormat(onCrash, undefined), () => interpreter.pyodide);
  const looks: Look[] = [];
  if (stats || json) {
    looks.push({ at: { kind: "end" }, work: lookAtEnd });
  }
  if (crash !== undefined) {
    looks.push({ at: { kind: "crash" }, work: () => crash.take("at its crash") });
  }

  let ready = false;
  const interpreter = await Interpreter.load({
    ...(await onAllocator(chosen)),
    script,
    stacks: options.stacks,
    looks,
    onFault(fault) {
      faults.push(fault);
      tellOrEnd(fault.report().replace(OWN_FRAMES, ""));
      if (options.goesOn) return;
      interpreter.crashed();
      void crash?.finish();
      process.exit(close(statusOf("SIGABRT")));
    },
    supervision,
    ...(json ? { streams: { stdout: (bytes) => writeAll(2, bytes) } } : {}),
    ...(always ? { onNewArena: () => ready && tellOrEnd(table()) } : {}),
  });
  ready = true;
  started = performance.now();
  const status = await interpreter.run().catch(async (error) => {
    await crash?.finish();
    throw interpreter.explained(error);
  });
  // What was overwritten and never freed shows now.
  interpreter.validate();
  return close(status);
}

async function runCompared({ script, rounds, json, stats }: RunOptions): Promise<number> {
  const comparison = await compare(script, {
    rounds,
    stdout: { write: json ? tell : print },
  });
  if (stats && comparison.stats !== undefined) tell(formatStats(comparison.stats));
  if (json) printJson(comparison);
  else tell(renderComparison(comparison));
  return comparison.status;
}

async function main(args: readonly string[]): Promise<number> {
  const parsed = parse(args);
  if (parsed === "help") {
    print(HELP);
    return 0;
  }
  return parsed.compare ? await runCompared(parsed) : await runOnce(parsed);
}

export const runCommand: Command = {
  summary: "run a Python program on pymalloc, and compare",
  help: HELP,
  supervised: true,
  main,
};
