/** Memory that a whole interpreter takes: after its start, for small programs, with 100 MB of small objects. */
import type { AllocatorName } from "../interpreter/interpreter.js";
import { median } from "../measure/measure.js";
import { megabytes } from "../process/process.js";
import type { Engine } from "./engines.js";
import { load, programsIn } from "./interpreters.js";
import { recordOf } from "./paired.js";
import { ratio, table } from "./table.js";

const allocators = ["malloc", "mimalloc", "pymalloc", "linked"] as const satisfies AllocatorName[];
/** A stock interpreter starts with one of three sizes, 2 % apart, by chance. */
const STARTS = 15;
const FOLDER = "memory";

type Bytes = Readonly<Record<(typeof allocators)[number], number>>;

interface MemoryResult {
  readonly program: string;
  /** Median over the starts of the bytes that the heap took from the memory. */
  readonly bytes: Bytes;
}

/** What each allocator takes for a program in an interpreter of its own. */
export async function measureStart(name: string, start: number): Promise<Bytes> {
  const bytes: Partial<Record<AllocatorName, number>> = {};
  for (const allocator of allocators) {
    const env = { PADDING: "x".repeat(16 * start) };
    const interpreter = await load(allocator, { folder: FOLDER, name }, env);
    const { status } = await interpreter.run();
    if (status !== 0) throw new Error(`${name} on ${allocator}: status ${status}`);
    bytes[allocator] = interpreter.heapBytes();
  }
  return bytes as Bytes;
}

/**
 * Each is measured several times, since where one block lies moves all that come after it, and with them the end of the
 * heap by a hundredth. Hashes of texts are random, but with the same environment a linked interpreter takes the same
 * memory in each start; so each start has another environment, and the starts of all allocators have the same ones. Each
 * is in a process of its own: a page has not the memory for all.
 */
export async function benchMemory(engine: Engine): Promise<readonly MemoryResult[]> {
  const results: MemoryResult[] = [];
  for (const { name } of await programsIn(FOLDER)) {
    const starts: Bytes[] = [];
    for (let start = 0; start < STARTS; start++) {
      starts.push(await engine.run(import.meta.url, measureStart, name, start));
    }
    const bytes = recordOf(allocators, (allocator) => median(starts.map((one) => one[allocator])));
    results.push({ program: name, bytes });
  }
  return results;
}

export function renderMemory(results: readonly MemoryResult[]): string {
  const rows = results.map(({ program, bytes }) => [
    program,
    megabytes(bytes.malloc, 2),
    ...[bytes.pymalloc, bytes.linked, bytes.mimalloc].map((own) => ratio(own / bytes.malloc)),
  ]);
  return [
    table(["memory of", "CPython's own malloc", "installed", "linked", "mimalloc"], rows),
    "",
    "Bytes that the heap took from the memory, start of the interpreter included (medians over several starts).",
  ].join("\n");
}
