/** `pymalloc heap`: what fills a memory, and who holds it. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { diff } from "../../inspect/inspect.js";
import {
  megabytes,
  print,
  printable,
  printJson,
  requireWritable,
  tell,
  UsageError,
  writeWhole,
} from "../../process/process.js";
import { renderReport, reportOf } from "../../viewer/viewer.js";
import { parseOptions } from "../arguments.js";
import type { Command } from "../command.js";
import { differenceLines } from "../heap/difference.js";
import { heldIn, holderLines } from "../heap/holders.js";
import { readSnapshot } from "../heap/open.js";
import { summaryLines } from "../heap/summary.js";
import { Terminal } from "../terminal.js";

const HELP = `Usage: pymalloc heap [options] FILE.pymem
       pymalloc heap --diff [options] BEFORE.pymem AFTER.pymem

Tells what a snapshot of pymalloc snapshot (or of pymalloc/inspect) holds: where every byte of the
memory is, which types of objects there are, which objects keep the most alive, what is there
more than once.

  --holds WHAT  who holds the objects of a type: 'Order', 'app.Order', or the one at 0x1a2b30
  --diff        what is new, gone and grown between two snapshots of one run
  --top N       rows of each table (default 15)
  --html OUT    write all of it as a page, one file that opens from disk
  --force       overwrite OUT if it exists
  --json        print it as JSON on stdout
  --help        print this text
`;

const options = {
  holds: { type: "string" },
  diff: { type: "boolean" },
  top: { type: "string" },
  html: { type: "string" },
  force: { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** What is asked for. */
interface HeapOptions {
  readonly paths: readonly string[];
  readonly holds: string | undefined;
  readonly diff: boolean;
  readonly top: number;
  readonly html: string | undefined;
  readonly json: boolean;
}

function readTop(text: string | undefined): number {
  if (text === undefined) return 15;
  const top = Number(text);
  if (/^\d+$/.test(text) && top >= 1 && top <= 10_000) return top;
  throw new UsageError(`--top: ${JSON.stringify(text)} is not a whole number from 1 to 10000`);
}

function parse(args: readonly string[]): HeapOptions | "help" {
  const config = { args: [...args], options, allowPositionals: true };
  const { values, positionals: paths } = parseOptions("heap", config);
  if (values.help) return "help";
  const { holds, html, diff: compares = false, json = false } = values;
  const asked = Object.entries({ "--holds": holds, "--diff": compares, "--html": html });
  const [first, second] = asked.filter(([, value]) => value !== undefined && value !== false);
  if (first !== undefined && second !== undefined) {
    throw new UsageError(
      `heap: ${first[0]} and ${second[0]} are different questions: one at a time`,
    );
  }
  if (html !== undefined && json) throw new UsageError("heap: --html writes a page, and no JSON");
  const wanted = compares ? 2 : 1;
  if (paths.length < wanted) {
    throw new UsageError(
      compares
        ? `heap: --diff compares two snapshots, and there ${paths.length === 0 ? "is none" : "is one"}`
        : "heap: the snapshot is missing",
    );
  }
  if (paths.length > wanted) {
    throw new UsageError(
      `heap: ${wanted === 1 ? "one snapshot" : "two snapshots"} at a time, not ${paths[wanted]} as well`,
    );
  }
  if (html !== undefined) requireWritable(html, "the page", values.force ?? false);
  return { paths, holds, diff: compares, top: readTop(values.top), html, json };
}

/** The page without a report, which lies beside the command. */
function template(): string {
  return readFileSync(new URL("../viewer/report.html", import.meta.url), "utf8");
}

async function heap({ paths, holds, diff: compares, top, html, json }: HeapOptions): Promise<void> {
  const [path, other] = paths as [string, string];
  const snapshot = await readSnapshot(path);
  const terminal = new Terminal(1);
  const say = (lines: readonly string[]) => print(`${lines.join("\n")}\n`);
  if (compares) {
    const difference = diff(snapshot, await readSnapshot(other));
    if (json) printJson(difference);
    else say(differenceLines(difference, terminal, top));
    return;
  }
  if (holds !== undefined) {
    const held = heldIn(snapshot, holds, top);
    if (json) printJson(held);
    else say(holderLines(held, terminal));
    return;
  }
  if (html !== undefined) {
    const page = renderReport(template(), reportOf(snapshot, basename(path)));
    const bytes = await writeWhole(html, [new TextEncoder().encode(page)]);
    tell(`${printable(html)}: ${megabytes(bytes)}; open it in a browser\n`);
    return;
  }
  if (json) printJson(snapshot.summary(top));
  else say(summaryLines(snapshot, terminal, top));
}

async function main(args: readonly string[]): Promise<number> {
  const parsed = parse(args);
  if (parsed === "help") print(HELP);
  else await heap(parsed);
  return 0;
}

export const heapCommand: Command = {
  summary: "what fills a memory, and who holds it",
  help: HELP,
  supervised: false,
  main,
};
