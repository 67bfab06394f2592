/** What a look into a Python's memory costs: the budget, a snapshot with its dominators, another one and their difference, the file. */
import { diff, memory, takeSnapshot } from "../inspect/inspect.js";
import type { AllocatorName } from "../interpreter/interpreter.js";
import { megabytes } from "../process/process.js";
import type { Engine } from "./engines.js";
import { load, programsIn } from "./interpreters.js";
import { table } from "./table.js";

const FOLDER = "inspect";
const allocators = ["malloc", "linked"] as const satisfies AllocatorName[];
/** So many times everything is done; the shortest one counts. */
const ROUNDS = 3;

export interface Look {
  readonly program: string;
  readonly allocator: AllocatorName;
  /** Of the graph. */
  readonly nodes: number;
  readonly edges: number;
  /** What Python's heap had taken from the memory, in bytes. */
  readonly heapBytes: number;
  /** Milliseconds, each the least of some rounds. */
  readonly budget: number;
  readonly snapshot: number;
  readonly second: number;
  readonly difference: number;
  readonly heapSnapshot: number;
  /** What the process had more than before at most while the first snapshot and its dominators were made; 0 where nobody says. */
  readonly peakBytes: number;
}

/** The most that the process ever had, in bytes; 0 in a page. */
function mostEver(): number {
  return typeof process === "undefined" ? 0 : process.resourceUsage().maxRSS * 1024;
}

function present(): number {
  return typeof process === "undefined" ? 0 : process.memoryUsage.rss();
}

async function timed<T>(work: () => T | Promise<T>): Promise<[T, number]> {
  const started = performance.now();
  const result = await work();
  return [result, performance.now() - started];
}

export async function measureLook(allocator: AllocatorName, name: string): Promise<Look> {
  const interpreter = await load(allocator, { folder: FOLDER, name });
  const { status } = await interpreter.run();
  if (status !== 0) throw new Error(`${name} on ${allocator}: status ${status}`);
  const { pyodide } = interpreter;
  const look = () => {
    const snapshot = takeSnapshot(pyodide);
    snapshot.types();
    snapshot.dominators();
    return snapshot;
  };
  const before = present();
  const [first, cold] = await timed(look);
  const peakBytes = Math.max(mostEver() - before, 0);
  const { nodes, edges } = first.graph;
  const least = { budget: Number.POSITIVE_INFINITY, snapshot: cold };
  const later = { second: Number.POSITIVE_INFINITY, difference: Number.POSITIVE_INFINITY };
  let heapSnapshot = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const [, budget] = await timed(() => memory(pyodide));
    const [second, again] = await timed(look);
    const [, difference] = await timed(() => diff(first, second));
    const [, written] = await timed(async () => {
      for await (const chunk of second.toHeapSnapshot()) if (chunk.length === 0) break;
    });
    least.budget = Math.min(least.budget, budget);
    later.second = Math.min(later.second, again);
    later.difference = Math.min(later.difference, difference);
    heapSnapshot = Math.min(heapSnapshot, written);
  }
  return {
    ...{ program: name, allocator, nodes, edges, heapBytes: interpreter.heapBytes() },
    ...{ ...least, ...later, heapSnapshot, peakBytes },
  };
}

/** Each in a process of its own. Ten million objects are more than a page of a browser has the memory for. */
export async function benchInspect(engine: Engine): Promise<readonly Look[]> {
  const looks: Look[] = [];
  for (const { name } of await programsIn(FOLDER)) {
    if (name === "ten-million" && engine.name === "chromium") continue;
    for (const allocator of allocators) {
      looks.push(await engine.run(import.meta.url, measureLook, allocator, name));
    }
  }
  return looks;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

export function renderInspect(looks: readonly Look[]): string {
  const rows = looks.map((look) => [
    `${look.program}, ${look.allocator}`,
    `${(look.nodes / 1e6).toFixed(2)} / ${(look.edges / 1e6).toFixed(2)}`,
    megabytes(look.heapBytes),
    `${look.budget.toFixed(1)} ms`,
    seconds(look.snapshot),
    seconds(look.second),
    seconds(look.difference),
    seconds(look.heapSnapshot),
    look.peakBytes === 0 ? "-" : megabytes(look.peakBytes),
  ]);
  return [
    table(
      [
        "program, allocator",
        "million objects / references",
        "heap",
        "budget",
        "snapshot",
        "second one",
        "difference",
        "`.heapsnapshot`",
        "peak of the process",
      ],
      rows,
    ),
    "",
    "A snapshot includes types and dominators. The peak is what the process had more than before, while the first one was made.",
  ].join("\n");
}
