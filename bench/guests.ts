/** Programs in C and Rust that live from malloc, on ours and on their own: time, memory, and what linking adds. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { whole } from "../process/process.js";
import type { Engine } from "./engines.js";
import { buildGuests, type Sizes } from "./guests/build.js";
import { type GuestTimes, measureGuests, ROUNDS } from "./guests/measure.js";
import { type Binary, type Candidate, candidates, type OfOurs, ofOurs } from "./guests/programs.js";
import { recordOf } from "./paired.js";
import { inPlacements, PLACEMENTS, type Spread, spreadOf } from "./placements.js";
import { ratio, ratios, table } from "./table.js";

type GuestResult = Pick<GuestTimes, "title" | "memory" | "memoryAfter"> & {
  /** Milliseconds. */
  readonly times: Readonly<Record<Candidate, Spread>>;
  /** Of our times to that with the language's own malloc. */
  readonly ratios: Readonly<Record<OfOurs, Spread>>;
};

export interface GuestResults {
  readonly placements: number;
  /** In each placement; of them the shortest counts. */
  readonly rounds: number;
  readonly programs: readonly GuestResult[];
  readonly sizes: readonly Sizes[];
}

export async function benchGuests(engine: Engine): Promise<GuestResults> {
  const folder = mkdtempSync(join(tmpdir(), "pymalloc-bench-"));
  try {
    const sizes = await buildGuests(folder);
    const file = new URL("guests/measure.ts", import.meta.url).href;
    const measured = await inPlacements((seed) => engine.run(file, measureGuests, folder, seed));
    const programs = (measured[0] as GuestTimes[]).map(({ title, memory, memoryAfter }, at) => {
      const all = measured.map((programs) => (programs[at] as GuestTimes).times);
      const times = recordOf(candidates, (one) => spreadOf(all.map((times) => times[one])));
      const ratios = recordOf(ofOurs, (one) =>
        spreadOf(all.map((times) => times[one] / times.stock)),
      );
      return { title, times, ratios, memory, memoryAfter };
    });
    return { placements: PLACEMENTS, rounds: ROUNDS, programs, sizes };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const binaryNames: Readonly<Record<Binary, string>> = {
  c: "trees and strings, C",
  rust: "trees and strings, Rust",
  sqlite: "SQLite",
};

export function renderGuests({ placements, rounds, programs, sizes }: GuestResults): string {
  const ms = ({ mean }: Spread) => `${mean.toFixed(1)} ms`;
  const times = programs.map(({ title, times, ratios: ours }) => [
    title,
    ...candidates.map((candidate) => ms(times[candidate])),
    ...ofOurs.map((candidate) => ratios(ours[candidate])),
  ]);
  const memories = programs.map(({ title, memory, memoryAfter }) => [
    title,
    ...ofOurs.map((candidate) => `${ratio(memory[candidate])} (${ratio(memoryAfter[candidate])})`),
  ]);
  const bytes = sizes.map(({ binary, stock, linked, added }) => [
    binaryNames[binary],
    ...[added, linked, stock].map((size) => `${whole(size)} bytes`),
  ]);
  return [
    table(["time", "its own malloc", "hosted", "linked", "hosted / own", "linked / own"], times),
    "",
    table(["memory against its own malloc's", "hosted", "linked"], memories),
    "",
    table(["length", "linking adds", "linked", "with its own malloc"], bytes),
    "",
    "`bench/guests`, compiled by clang and rustc: on the language's own malloc (wasi-libc's; Rust's dlmalloc), in a heap's",
    `memory (hosted), and with pymalloc linked in. ${placements} placements of the code: in each the shortest of ${rounds} rounds`,
    "in turn; shown are the mean and the range of the placements. Memory: its length after the first run, in brackets",
    "after all rounds. Lengths are without names.",
  ].join("\n");
}
