/** `pymalloc memory`: where every byte of a Python program's memory is. */
import { type Budget, memory } from "../../inspect/inspect.js";
import { Interpreter } from "../../interpreter/interpreter.js";
import { print, printJson, supervision, tell, writeAll } from "../../process/process.js";
import { allocatorOptions, onAllocator, readAllocator } from "../allocator.js";
import type { Command } from "../command.js";
import { budgetLines } from "../heap/budget.js";
import { parseScriptLine, readScript } from "../script.js";
import { Terminal } from "../terminal.js";

const HELP = `Usage: pymalloc memory [options] SCRIPT [ARGUMENTS...]

Runs a Python program as pymalloc run does, and tells on stderr where every byte of its memory is at
the moment when it has ended and its globals are still there: the program itself, its stack, pools
and the system malloc, in use and free. The parts sum up to the memory. Options stand before
SCRIPT; what follows SCRIPT is the program's own. Its exit status is passed on.

  --malloc VALUE  the allocator, as with pymalloc run
  --linked        on pymalloc linked into CPython, as with pymalloc run
  --pyodide DIR   on the Pyodide in DIR, as with pymalloc run
  --limit SIZE    how much memory the program may take, as with pymalloc run
  --json          print it as JSON on stdout; the program's own output goes to stderr
  --help          print this text
`;

const options = {
  ...allocatorOptions,
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

async function main(args: readonly string[]): Promise<number> {
  const { values, path, rest } = parseScriptLine("memory", args, options);
  if (values.help) {
    print(HELP);
    return 0;
  }
  const script = readScript("memory", path, rest);
  const { json = false } = values;
  let budget: Budget | undefined;
  let failure: unknown;
  function look(): void {
    try {
      budget = memory(interpreter.pyodide);
    } catch (error) {
      failure = error;
    }
  }
  const interpreter = await Interpreter.load({
    ...(await onAllocator(readAllocator("memory", values))),
    script,
    supervision,
    looks: [
      { at: { kind: "end" }, work: look },
      { at: { kind: "crash" }, work: look },
    ],
    ...(json ? { streams: { stdout: (bytes) => writeAll(2, bytes) } } : {}),
  });
  let crash: unknown;
  const status = await interpreter.run().catch((error) => {
    crash = interpreter.explained(error);
    return null;
  });
  if (budget === undefined) throw crash ?? failure;
  if (json)
    printJson({ program: script.path, arguments: script.arguments, status, memory: budget });
  else tell(`${budgetLines(budget, new Terminal(2)).join("\n")}\n`);
  if (status === null) throw crash;
  return status;
}

export const memoryCommand: Command = {
  summary: "where every byte of a Python program's memory is",
  help: HELP,
  supervised: true,
  main,
};
