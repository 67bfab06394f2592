/** `pymalloc run`: a Python program in a CPython on pymalloc. */
import { mallocModes, nameOf, type PyMemError } from "../../base/base.js";
import {
  type AllocatorName,
  Interpreter,
  linkedPyodideFolder,
  OWN_FRAMES,
  type Script,
} from "../../interpreter/interpreter.js";
import { compare, renderComparison } from "../../measure/measure.js";
import {
  endWith,
  print,
  printJson,
  StatusLine,
  statusOf,
  supervision,
  tell,
  UsageError,
  writeAll,
} from "../../process/process.js";
import { emptyStats, formatStats } from "../../src/report/report.js";
import { readLimitOption, readRounds } from "../arguments.js";
import type { Command } from "../command.js";
import { parseScriptLine, readScript } from "../script.js";

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
  --limit SIZE    how much memory the program may take, Python included, as in 200MB: beyond that it gets a
                  MemoryError; from 32MB on
  --stats         print the allocator's statistics on stderr afterwards
  --compare       run the program several times on CPython's own malloc, on mimalloc, on pymalloc
                  and on pymalloc linked in, in turn, then in the debug mode, and report time
                  and memory on stderr
  --rounds N      with --compare: how many timed rounds (default 9)
  --json          print the report as JSON on stdout; the program's own output goes to stderr
  --help          print this text

PYTHONMALLOCSTATS=1 prints the statistics at each new arena and at exit, as in CPython.
`;

const options = {
  malloc: { type: "string" },
  linked: { type: "boolean" },
  "on-fault": { type: "string" },
  stacks: { type: "boolean" },
  limit: { type: "string" },
  stats: { type: "boolean" },
  compare: { type: "boolean" },
  rounds: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** What `--malloc` and PYTHONMALLOC choose from: the library's words, and those that CPython added. */
const words: Record<string, AllocatorName> = {
  ...Object.fromEntries(Object.entries(mallocModes).map(([word, mode]) => [word, nameOf(mode)])),
  mimalloc: "mimalloc",
  mimalloc_debug: "mimalloc_debug",
};

/** With these, the debug mode is ours. */
function isOurDebugMode(allocator: AllocatorName): boolean {
  return allocator === "pymalloc_debug" || allocator === "malloc_debug";
}

interface RunOptions {
  readonly script: Script;
  readonly allocator: AllocatorName;
  /** With `"linked"`: PYTHONMALLOC's word for it. */
  readonly word: string | undefined;
  readonly goesOn: boolean;
  readonly stacks: boolean;
  readonly limitBytes: number | undefined;
  readonly stats: boolean;
  readonly compare: boolean;
  readonly rounds: number;
  readonly json: boolean;
}

function readWord(option: string | undefined): string | undefined {
  const word = option ?? process.env["PYTHONMALLOC"] ?? "";
  return word === "" && option === undefined ? undefined : word;
}

function readAllocator(option: string | undefined): AllocatorName {
  const word = readWord(option);
  const where = option === undefined ? "PYTHONMALLOC" : "--malloc";
  if (word === undefined) return "pymalloc";
  const name = Object.hasOwn(words, word) ? words[word] : undefined;
  if (name === undefined) {
    const expected = Object.keys(words).join(", ");
    throw new UsageError(
      `${where}: unknown allocator ${JSON.stringify(word)}, expected one of: ${expected}`,
    );
  }
  return name;
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
  if (compares && values.limit !== undefined) {
    throw new UsageError("run: --compare measures without a limit, so --limit has nothing to hold");
  }
  const chosen = compares ? "pymalloc" : readAllocator(values.malloc);
  const allocator = values.linked ? "linked" : chosen;
  const word = readWord(values.malloc);
  if (values.limit !== undefined && word?.startsWith("mimalloc")) {
    throw new UsageError(
      "run: --limit holds what the system malloc takes, and mimalloc takes its own",
    );
  }
  const debug = isOurDebugMode(allocator);
  for (const option of ["on-fault", "stacks"] as const) {
    if (values[option] !== undefined && !debug) {
      const which = values.linked ? "our debug mode, and not with --linked" : "a debug mode";
      throw new UsageError(`--${option} goes with ${which}, as in --malloc debug`);
    }
  }
  const { limit } = values;
  return {
    limitBytes: limit === undefined ? undefined : readLimitOption("run", limit, 32),
    script: readScript("run", path, rest),
    allocator,
    word,
    goesOn: readOnFault(values["on-fault"]),
    stacks: values.stacks ?? false,
    stats: values.stats ?? false,
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

/** The linked interpreter's folder; where it is made first, stderr tells of it. */
async function linkedFolder(): Promise<string> {
  const line = new StatusLine();
  const folder = await linkedPyodideFolder((step) => line.show(`${step} ...`));
  line.clear();
  return folder;
}

async function runOnce(options: RunOptions): Promise<number> {
  const { script, allocator, stats, json } = options;
  const faults: PyMemError[] = [];
  const table = () => formatStats(interpreter.heap?.stats() ?? emptyStats());
  const always = Boolean(process.env["PYTHONMALLOCSTATS"]);
  let started = 0;

  function close(status: number): number {
    const seconds = (performance.now() - started) / 1000;
    if (stats || always) tell(table() || `${allocator} keeps no statistics\n`);
    if (json) {
      const report = {
        program: script.path,
        arguments: script.arguments,
        pyodide: interpreter.version,
        allocator,
        status,
        seconds,
        heapBytes: interpreter.heapBytes(),
        stats: interpreter.heap?.stats() ?? null,
        faults: faults.map((fault) => ({ ...fault, message: fault.message })),
      };
      printJson(report);
    }
    return status;
  }

  let ready = false;
  const folder = allocator === "linked" ? { folder: await linkedFolder() } : {};
  const interpreter = await Interpreter.load({
    allocator,
    word: allocator === "linked" ? options.word : undefined,
    ...folder,
    script,
    stacks: options.stacks,
    limitBytes: options.limitBytes,
    onFault(fault) {
      faults.push(fault);
      tellOrEnd(fault.report().replace(OWN_FRAMES, ""));
      if (!options.goesOn) process.exit(close(statusOf("SIGABRT")));
    },
    supervision,
    ...(json ? { streams: { stdout: (bytes) => writeAll(2, bytes) } } : {}),
    ...(always ? { onNewArena: () => ready && tellOrEnd(table()) } : {}),
  });
  ready = true;
  started = performance.now();
  const status = await interpreter.run().catch((error) => {
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
