/** `pymalloc stats`: what a trace tells about a program. */

import { print, printJson, UsageError } from "../../process/process.js";
import { readTrace, renderStatistics, StatisticsBuilder } from "../../trace/trace.js";
import { parseOptions } from "../arguments.js";
import type { Command } from "../command.js";

const HELP = `Usage: pymalloc stats [options] FILE.pmt

Tells what a trace of pymalloc record holds: its events, the peak of its live blocks, which sizes
were asked for, how long blocks lived, how many of the frees are of the newest block of their size
class (LIFO), and where reallocs lead.

  --json  print it as JSON on stdout, in full detail
  --help  print this text
`;

const options = {
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

async function main(args: readonly string[]): Promise<number> {
  const config = { args: [...args], options, allowPositionals: true };
  const { values, positionals } = parseOptions("stats", config);
  if (values.help) {
    print(HELP);
    return 0;
  }
  const [path, ...more] = positionals;
  if (path === undefined) throw new UsageError("stats: the trace is missing");
  if (more.length > 0) throw new UsageError(`stats: one trace at a time, not ${more[0]} as well`);
  const trace = await readTrace(path);
  const builder = new StatisticsBuilder();
  for await (const chunk of trace.chunks()) builder.add(chunk);
  const statistics = builder.finish(trace.summary);
  const { header, bytes } = trace;
  if (values.json) printJson({ file: path, bytes, header, ...statistics });
  else print(renderStatistics(trace, statistics, process.stdout.columns ?? 80));
  return 0;
}

export const statsCommand: Command = {
  summary: "what a recorded trace tells about a program",
  help: HELP,
  supervised: false,
  main,
};
