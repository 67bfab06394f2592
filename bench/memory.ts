/** Memory that a whole interpreter takes: after its start, for small programs, with 100 MB of small objects. */
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type AllocatorName,
  Interpreter,
  linkedPyodideFolder,
} from "../interpreter/interpreter.js";
import { median } from "../measure/measure.js";
import { megabytes } from "../process/process.js";
import type { Engine } from "./engines.js";
import { ratio, table } from "./table.js";

const allocators = ["malloc", "mimalloc", "pymalloc", "linked"] as const satisfies AllocatorName[];
/** A stock interpreter starts with one of three sizes, 2 % apart, by chance. */
const STARTS = 15;
const folder = fileURLToPath(new URL("memory", import.meta.url));

interface MemoryResult {
  readonly program: string;
  /** Median over the starts of the bytes that the heap took from the memory. */
  readonly bytes: Readonly<Record<(typeof allocators)[number], number>>;
}

/**
 * Each is measured several times, since where one block lies moves all that come after it, and with them the end of the
 * heap by a hundredth. Hashes of texts are random, but with the same environment a linked interpreter takes the same
 * memory in each start; so each start has another environment, and the starts of all allocators have the same ones.
 */
export async function measureMemory(): Promise<MemoryResult[]> {
  const linked = await linkedPyodideFolder();
  const streams = { stdout: () => {} };
  const results: MemoryResult[] = [];
  for (const name of readdirSync(folder).sort()) {
    const path = resolve(folder, name);
    const script = { path, file: path, arguments: [], cwd: folder };
    const bytes: Partial<Record<AllocatorName, number>> = {};
    for (const allocator of allocators) {
      const taken: number[] = [];
      for (let start = 0; start < STARTS; start++) {
        const place = allocator === "linked" ? { folder: linked } : {};
        const env = { PADDING: "x".repeat(16 * start) };
        const interpreter = await Interpreter.load({ allocator, script, streams, env, ...place });
        const status = await interpreter.run();
        if (status !== 0) throw new Error(`${name} on ${allocator}: status ${status}`);
        taken.push(interpreter.heapBytes());
      }
      bytes[allocator] = median(taken);
    }
    results.push({ program: name.replace(".py", ""), bytes: bytes as MemoryResult["bytes"] });
  }
  return results;
}

export function benchMemory(engine: Engine): Promise<readonly MemoryResult[]> {
  return engine.run(import.meta.url, measureMemory);
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
