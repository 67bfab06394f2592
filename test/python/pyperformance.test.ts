/** The bench's part pyperformance: it finds programs, runs them with their arguments, and says which do not run. */
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { findPrograms } from "../../bench/pyperformance/programs.js";
import { measurePyperformance } from "../../bench/pyperformance.js";
import { quickPyodide } from "../support/command.js";
import { onlyLong } from "../support/profile.js";
import { temporaryFolder } from "../support/traces.js";

const folder = temporaryFolder();

function write(name: string, content: string): void {
  mkdirSync(join(folder, name, ".."), { recursive: true });
  writeFileSync(join(folder, name), content);
}

write(
  "bm_ways/run_benchmark.py",
  `
import pyperf

def timed(loops, size):
    began = pyperf.perf_counter()
    for _ in range(loops):
        list(range(size))
    return pyperf.perf_counter() - began

async def waits_for_nothing():
    list(range(10_000))

if __name__ == "__main__":
    runner = pyperf.Runner(processes=3)
    runner.metadata["description"] = "Each way of measuring"
    runner.argparser.add_argument("name")
    options = runner.parse_args()
    runner.bench_func(options.name + "_func", sum, range(10_000))
    runner.bench_time_func(options.name + "_time", timed, 10_000, inner_loops=2)
    runner.bench_async_func(options.name + "_async", waits_for_nothing)
`,
);
write(
  "bm_ways/pyproject.toml",
  '[project]\nname = "x"\n[tool.pyperformance]\nextra_opts = ["a"]\n',
);
write("bm_ways/bm_ways_b.toml", '[tool.pyperformance]\nname = "ways_b"\nextra_opts = ["b"]\n');
write("bm_ways/other.toml", 'name = "no program"\n');
write("bm_needs/run_benchmark.py", "import no_such_package");
write("notes/run_benchmark.py", "");

test("a program is there as often as it is described", () => {
  assert.deepEqual(
    findPrograms(folder).map(({ name, arguments: args }) => [name, ...args]),
    [["bm_needs"], ["bm_ways/bm_ways_b.toml", "b"], ["bm_ways/pyproject.toml", "a"]],
  );
  assert.throws(() => findPrograms(join(folder, "notes")), /--programs is .*notes, expected a/);
});

test("what it measures has all figures; what does not run has a reason", {
  skip: onlyLong,
}, async () => {
  const quick = temporaryFolder();
  await quickPyodide(quick);
  process.chdir(quick);
  rmSync(join(folder, "bm_ways/bm_ways_b.toml"));
  const { benchmarks, leftOut } = await measurePyperformance(folder, 1);
  const names = ["a_func", "a_time", "a_async"];
  assert.deepEqual(Object.keys(benchmarks).sort(), names.sort());
  for (const [name, seconds] of Object.entries(benchmarks)) {
    for (const value of Object.values(seconds)) assert.ok(value > 0.02 && value < 10, name);
    assert.deepEqual(Object.keys(seconds), ["stock", "control", "installed", "linked"]);
  }
  const reason = "ModuleNotFoundError: No module named 'no_such_package'";
  assert.deepEqual(leftOut, { bm_needs: reason });
});
