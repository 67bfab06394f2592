/** `pymalloc replay`: a recorded trace on several allocators. */
import { freemem } from "node:os";
import {
  type Contestant,
  contestantNames,
  makeContestants,
  makeTape,
  type ReplayReport,
  renderReplay,
  replay,
  replayThing,
  SHORTENED,
  type Tape,
} from "../../measure/measure.js";
import { megabytes, Progress, print, printJson, UsageError, whole } from "../../process/process.js";
import { readTrace } from "../../trace/trace.js";
import { parseOptions, readRounds } from "../arguments.js";
import type { Command } from "../command.js";

/** pymalloc itself is always there. */
const NAMES = [...contestantNames.filter((name) => name !== "pymalloc"), "thing"];
const FRESH_ROUNDS = 3;

const HELP = `Usage: pymalloc replay [options] FILE.pmt

Plays a trace that \`pymalloc record\` made, on pymalloc and on other allocators, in turn. The loop runs in
WebAssembly and writes into the first and the last word of each block. The allocators:

  dlmalloc       Emscripten's, out of the installed Pyodide: what all are compared with
  mimalloc       CPython's, from there, too
  pymalloc-own   pymalloc over our system malloc, as in a heap that owns its memory
  malloc         our system malloc alone
  bump           a pointer that moves on and never frees: what memory costs that is not used again
  floor          the same, from the start again after 256 KiB: no allocator, but the least that is possible
  thing          @thi.ng/malloc, from JavaScript and on the first ${SHORTENED} events, where it is installed

  --against LIST  some of these, with commas between (default: all); dlmalloc is always there
  --rounds N      rounds for each (default 7)
  --json          print the results as JSON
  --help          print this text
`;

const options = {
  against: { type: "string" },
  rounds: { type: "string" },
  json: { type: "boolean" },
} as const;

interface ReplayArguments {
  readonly file: string;
  readonly against: readonly string[];
  readonly rounds: number;
  readonly json: boolean;
}

function readAgainst(list: string | undefined): readonly string[] {
  if (list === undefined) return NAMES;
  const names = list.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !NAMES.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(
      `--against: unknown allocator ${JSON.stringify(unknown)}, expected some of: ${NAMES.join(", ")}`,
    );
  }
  return names;
}

function parse(args: readonly string[]): ReplayArguments {
  const config = { args: [...args], options, allowPositionals: true };
  const { values, positionals } = parseOptions("replay", config);
  const [file, ...rest] = positionals;
  if (file === undefined) throw new UsageError("replay: the trace is missing");
  if (rest.length > 0) throw new UsageError(`replay: one trace at a time, not also ${rest[0]}`);
  const { against, rounds, json } = values;
  return {
    file,
    against: readAgainst(against),
    rounds: readRounds(rounds ?? "7", 1),
    json: json ?? false,
  };
}

/** An allocator's memory is at most so long. */
const LONGEST_MEMORY = 2 ** 31;

/**
 * Each allocator gets a memory of its own, and all of them stay.
 * @throws UsageError where the live blocks go into none of them, or this machine can't have so many
 */
function requireRoom(file: string, { peak, slots, words }: Tape, allocators: number): void {
  if (peak.bytes > LONGEST_MEMORY) {
    const live = `${whole(peak.bytes)} bytes of it are live at once`;
    throw new UsageError(
      `${file}: ${live}, and no allocator has more than ${whole(LONGEST_MEMORY)}`,
    );
  }
  const needed = words.byteLength + allocators * (peak.bytes + 4 * slots);
  const there = freemem();
  if (needed > there) {
    const few = allocators > 2 ? "; --against takes fewer allocators" : "";
    throw new UsageError(
      `${file}: out of memory: ${allocators} allocators need ${megabytes(needed)} for its blocks, ${megabytes(there)} are free${few}`,
    );
  }
}

async function main(args: readonly string[]): Promise<number> {
  const { file, against, rounds, json } = parse(args);
  const trace = await readTrace(file);
  const tape = await makeTape(trace.chunks());
  const base = "dlmalloc";
  const chosen = contestantNames.filter(
    (name) => name === "pymalloc" || name === base || against.includes(name),
  );
  requireRoom(file, tape, chosen.length);
  const contestants = await makeContestants(chosen);
  const progress = new Progress(chosen.length * (rounds + FRESH_ROUNDS + 1) + 1);
  const step = (what: string) => progress.step(what);
  const results = replay(tape, { contestants, base, rounds, freshRounds: FRESH_ROUNDS, step });
  step("thing");
  const javascript = against.includes("thing")
    ? await replayThing(
        await makeTape(trace.chunks(), SHORTENED),
        contestants[base] as Contestant,
        3,
      )
    : undefined;
  progress.clear();
  const report: ReplayReport = {
    trace: file,
    program: trace.header.program,
    events: tape.events,
    peakLiveBytes: tape.peak.bytes,
    peakLiveBlocks: tape.peak.blocks,
    rounds,
    base,
    results,
    ...(javascript === undefined ? {} : { javascript }),
  };
  if (json) printJson(report);
  else print(renderReplay(report));
  return 0;
}

export const replayCommand: Command = {
  summary: "play a recorded trace on several allocators, and compare",
  help: HELP,
  supervised: false,
  main,
};
