/** `pymalloc snapshot`, `memory`, and the moments of `run`: what they look at, what they leave, and what they say. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openSnapshot, type Snapshot } from "../../inspect/inspect.js";
import { assertRefused, main, quickPyodide, runIn } from "../support/command.js";
import { temporaryFolder } from "../support/traces.js";

const folder = temporaryFolder();
process.chdir(folder);
await quickPyodide(folder);
const pymalloc = (...args: string[]) => runIn(folder, args);

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

const open = (name: string): Promise<Snapshot> => openSnapshot(readFileSync(join(folder, name)));
const countOf = (snapshot: Snapshot, type: string) => snapshot.find(type).length;

/** A program whose global dict keeps 3,000 orders. */
const orders = write(
  "orders.py",
  `import sys
CACHE = {}
class Order:
    def __init__(self, number):
        self.number = number
        self.name = f"order {number}"
def fill(count):
    for number in range(count):
        CACHE[len(CACHE)] = Order(number)
fill(1000)
fill(2000)
print("done", sys.argv[1:])
sys.exit(3)
`,
);

test("a snapshot is taken when the program has ended and its globals are there", async () => {
  const { status, stdout, stderr } = pymalloc("snapshot", "-o", "end.pymem", orders, "--at", "x");
  assert.equal(status, 3, stderr);
  assert.equal(stdout, "done ['--at', 'x']\n");
  assert.match(stderr, /^end\.pymem: \d+\.\d MB, of \d+\.\d MB of memory at its end\n$/);
  const snapshot = await open("end.pymem");
  assert.equal(countOf(snapshot, "__main__.Order"), 3000);
  const [holder] = snapshot.holders("Order");
  assert.deepEqual([holder?.path, holder?.count], ["module __main__ > global CACHE > [...]", 3000]);
});

test("several moments of one run are a file each", async () => {
  const args = ["--at", "orders.py:11", "--at", "end", orders, "-o", "at.pymem"];
  const { status, stderr } = pymalloc("snapshot", ...args);
  assert.equal(status, 3);
  assert.match(
    stderr,
    /^at-1\.pymem: .* when it came to orders\.py:11\nat-2\.pymem: .* at its end\n$/,
  );
  assert.ok(!existsSync(join(folder, "at.pymem")));
  assert.equal(countOf(await open("at-1.pymem"), "Order"), 1000);
  assert.equal(countOf(await open("at-2.pymem"), "Order"), 3000);
});

test("a moment that never comes is told, and the files that are there stay", () => {
  const { status, stderr } = pymalloc("snapshot", "-o", "no.pymem", "--at", "none.py:7", orders);
  assert.deepEqual(
    [status, stderr],
    [3, "pymalloc: a snapshot is missing: it never came to none.py:7\n"],
  );
  const program = write("nothing.py", "pass\n");
  const failed = pymalloc("snapshot", "-o", "no.pymem", "--at", "memory-error", program);
  assert.deepEqual(
    [failed.status, failed.stderr],
    [2, "pymalloc: a snapshot is missing: no MemoryError came\n"],
  );
  assert.ok(!existsSync(join(folder, "no.pymem")));
  assert.match(
    pymalloc("snapshot", "-o", "end.pymem", orders).stderr,
    /end\.pymem exists; --force/,
  );
});

test("near the peak, what is gone at the end is there", async () => {
  const program = write(
    "peak.py",
    "class Row: pass\ndef work():\n    rows = []\n    for n in range(150_000):\n        row = Row()\n        row.n = n\n        rows.append(row)\nwork()\n",
  );
  const { status, stderr } = pymalloc("snapshot", "--at", "peak", "-o", "peak.pymem", program);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /^peak\.pymem: .* near its peak\n$/);
  const snapshot = await open("peak.pymem");
  assert.ok(countOf(snapshot, "Row") > 100_000, `${countOf(snapshot, "Row")} rows`);
  assert.match(snapshot.holders("Row")[0]?.path ?? "", /^local rows of work/);
  const small = pymalloc("snapshot", "--at", "peak", "-o", "small.pymem", "nothing.py");
  assert.match(small.stderr, /at its end: it never grew by a tenth\n$/);
});

test("a MemoryError is kept with the frame that met it", async () => {
  const program = write(
    "greedy.py",
    "def ask(count):\n    mine = ['a', 'local']\n    return [0] * count\ntry:\n    ask(2**30)\nexcept MemoryError:\n    print('went on')\n",
  );
  const args = ["--at", "memory-error", "-o", "error.pymem", program];
  const { status, stdout, stderr } = pymalloc("snapshot", ...args);
  assert.deepEqual([status, stdout], [0, "went on\n"], stderr);
  const snapshot = await open("error.pymem");
  const frames = snapshot.find("str:'local'").flatMap((node) => snapshot.pathsTo(node));
  assert.match(frames.join("\n"), /local mine of ask/);
});

test("past a limit, the MemoryError is kept with what fills the memory", async () => {
  const program = write(
    "fills.py",
    "class Blob:\n    def __init__(self): self.bytes = bytes(100_000)\nKEPT = []\nwhile True: KEPT.append(Blob())\n",
  );
  for (const word of ["pymalloc", "malloc"]) {
    const args = ["--limit", "64MB", "--malloc", word, "--at", "memory-error", "--force"];
    const { status, stderr } = pymalloc("snapshot", ...args, "-o", "full.pymem", program);
    assert.equal(status, 1, stderr);
    assert.match(stderr, /MemoryError\nfull\.pymem: .* when a MemoryError was raised\n$/);
    const snapshot = await open("full.pymem");
    assert.ok(countOf(snapshot, "Blob") > 200, `${countOf(snapshot, "Blob")} blobs`);
    const { limit } = snapshot.memory();
    assert.ok(Math.abs(limit - 64 * 2 ** 20) < 8192, `${limit} bytes`);
    assert.match(snapshot.pathsTo("Blob").join("\n"), /global KEPT/);
  }
});

/** Writes where no memory is. */
const crash = write(
  "crash.py",
  `import ctypes
KEPT = [{"kept": n} for n in range(500)]
print("go", flush=True)
ctypes.c_int.from_address(0xfffffff0).value = 1
`,
);

test("a crash is kept, by run where it was asked for and by snapshot anyway", async () => {
  const run = pymalloc("run", "--snapshot-on-crash", "crash.pymem", crash);
  assert.equal(run.status, 139, run.stderr);
  assert.match(run.stderr, /^crash\.pymem: .* at its crash$/m);
  assert.match(run.stderr, /pymalloc: the interpreter crashed: memory access out of bounds\n/);
  const other = pymalloc("snapshot", "-o", "crash.heapsnapshot", "--at", "crash.py:99", crash);
  assert.equal(other.status, 139, other.stderr);
  const snapshot = await open("crash.pymem");
  const paths = snapshot.pathsTo("str:'kept'").join("\n");
  assert.match(paths, /KEPT/);
  const json = JSON.parse(readFileSync(join(folder, "crash.heapsnapshot"), "utf8"));
  assert.ok(json.nodes.length > 10_000 && json.snapshot.node_count > 10_000);
  write("nothing.py", "pass\n");
  const fine = pymalloc("run", "--snapshot-on-crash", "none.pymem", "nothing.py");
  assert.deepEqual(
    [fine.status, fine.stderr, existsSync(join(folder, "none.pymem"))],
    [0, "", false],
  );
});

test("what a debug mode stopped at is kept", async () => {
  const program = write(
    "twice.py",
    `import ctypes
take, free = ctypes.pythonapi.PyMem_Malloc, ctypes.pythonapi.PyMem_Free
take.restype, take.argtypes, free.argtypes = ctypes.c_size_t, [ctypes.c_size_t], [ctypes.c_size_t]
KEPT = {"evidence": 1}
p = take(24)
free(p)
free(p)
`,
  );
  const args = ["--malloc", "debug", "--snapshot-on-crash", "fault.pymem", program];
  const { status, stderr } = pymalloc("run", ...args);
  assert.equal(status, 134, stderr);
  assert.match(stderr, /PyMemError: double-free/);
  const snapshot = await open("fault.pymem");
  assert.match(snapshot.pathsTo("str:'evidence'").join("\n"), /KEPT/);
});

test("each SIGUSR2 makes one more, also while Python sleeps", {
  skip: process.platform === "win32",
}, async () => {
  const program = write(
    "serves.py",
    "import time\nclass Session: pass\nS = []\nfor n in range(2):\n    S += [Session() for _ in range(100)]\n    print('go', flush=True)\n    time.sleep(100 if n else 0)\n    while n == 0:\n        import os\n        if os.path.exists('s-1.pymem'): break\n",
  );
  const child = spawn(process.execPath, [main, "snapshot", "-o", "s.pymem", program], {
    cwd: folder,
  });
  let [output, errors] = ["", ""];
  const written = new Promise<void>((resolve) => {
    child.stdout.on("data", (bytes) => {
      output += bytes;
      child.kill("SIGUSR2");
    });
    child.stderr.on("data", (bytes) => {
      errors += bytes;
      if (/s-2\.pymem: /.test(errors)) resolve();
    });
  });
  const ended = new Promise((resolve) => child.on("close", resolve));
  await Promise.race([written, ended]);
  child.kill("SIGINT");
  assert.equal(await ended, 130, errors);
  assert.equal(output, "go\ngo\n");
  assert.match(errors, /^s-1\.pymem: .* at a SIGUSR2\ns-2\.pymem: .* at a SIGUSR2\n/);
  assert.match(errors, /KeyboardInterrupt\ns\.pymem: .* at its end\n$/);
  const counts = await Promise.all(
    ["s-1.pymem", "s-2.pymem", "s.pymem"].map(async (name) => countOf(await open(name), "Session")),
  );
  assert.deepEqual(counts, [100, 200, 200]);
  assert.deepEqual(
    readdirSync(folder).filter((name) => /\.tmp$/.test(name)),
    [],
  );
});

interface Budget {
  readonly total: number;
  readonly allocator: string;
  readonly parts: Readonly<Record<string, number | Record<string, number>>>;
}

/** All numbers in it. */
function sum(parts: Budget["parts"]): number {
  return Object.values(parts).reduce<number>(
    (total, part) => total + (typeof part === "number" ? part : sum(part)),
    0,
  );
}

test("memory tells where every byte is, while the globals are there", () => {
  const program = write("big.py", "KEPT = [bytes(1000) for n in range(10_000)]\nprint('out')\n");
  const { status, stdout, stderr } = pymalloc("memory", program);
  assert.deepEqual([status, stdout], [0, "out\n"]);
  assert.match(stderr, /^Memory: \d+\.\d MB on pymalloc installed\n/);
  assert.match(stderr, /^system malloc, in use +\d+\.\d MB +\d+\.\d % +█+/m);
  for (const word of ["pymalloc", "malloc", "pymalloc_debug"]) {
    const { stdout: text, stderr: out } = pymalloc("memory", "--json", "--malloc", word, program);
    assert.equal(out, "out\n");
    const { memory, ...report } = JSON.parse(text) as { memory: Budget; status: number };
    assert.deepEqual(report, { program, arguments: [], status: 0 });
    assert.equal(sum(memory.parts), memory.total, word);
    const { inUse = 0 } = memory.parts["system"] as Record<string, number>;
    assert.ok(inUse > 1e7, `${word}: ${inUse}`);
  }
});

test("memory tells of a crash what it left", () => {
  const { status, stderr } = pymalloc("memory", crash);
  assert.equal(status, 139);
  assert.match(stderr, /^Memory: /m);
  assert.match(stderr, /the interpreter crashed: memory access out of bounds/);
});

test("run --stats looks before the globals go, PYTHONMALLOCSTATS afterwards", () => {
  const bytesIn = (text: string) => {
    const found = [...text.matchAll(/# bytes in allocated blocks += +([\d,]+)/g)];
    return Number(found.at(-1)?.[1]?.replaceAll(",", ""));
  };
  const stats = pymalloc("run", "--stats", orders).stderr;
  const atExit = runIn(folder, ["run", orders], { env: { PYTHONMALLOCSTATS: "1" } }).stderr;
  assert.ok(bytesIn(stats) > 300_000, stats);
  assert.ok(bytesIn(atExit) < 100_000, atExit);
  const { stats: report } = JSON.parse(pymalloc("run", "--json", orders).stdout);
  assert.ok(report.bytes.inUse > 300_000);
});

test("what is wrong on the command line is said before anything runs", async () => {
  const snapshot = ["snapshot", "-o", "x.pymem"];
  await assertRefused(["snapshot", orders], /-o FILE is missing, the snapshot's name/);
  await assertRefused(snapshot, /snapshot: the script is missing/);
  await assertRefused(["snapshot", "-o", "x.txt", orders], /x\.txt ends neither in \.pymem nor in/);
  await assertRefused(
    [...snapshot, "--format", "json", orders],
    /"json" is neither pymem nor heap/,
  );
  for (const at of ["now", "orders.py", "orders.py:0", "orders.py:1.5", ":3", "x.js:3"]) {
    await assertRefused(
      [...snapshot, "--at", at, orders],
      /--at: ".*" is no moment, expected end, peak/,
    );
  }
  await assertRefused([...snapshot, "--at", "peak", "--at", "end", orders], /so it goes alone/);
  await assertRefused([...snapshot, "--malloc", "mimalloc", orders], /nobody finds mimalloc/);
  await assertRefused(
    [...snapshot, "--malloc", "jemalloc", orders],
    /unknown allocator "jemalloc"/,
  );
  await assertRefused(
    ["snapshot", "-o", "none/x.pymem", orders],
    /none\/x\.pymem can't be written/,
  );
  await assertRefused(
    [...snapshot, "--limit", "1MB", orders],
    /snapshot: --limit: "1MB" is no size/,
  );
  await assertRefused(
    ["memory", "--limit", "x", orders],
    /memory: --limit: "x" is no size like 200MB/,
  );
  await assertRefused(["memory"], /memory: the script is missing/);
  await assertRefused(["memory", "--bogus", orders], /Unknown option '--bogus'/);
  const crashes = ["run", "--snapshot-on-crash"];
  await assertRefused([...crashes, "x.txt", orders], /x\.txt ends neither/);
  await assertRefused([...crashes, "x.pymem", "--compare", orders], /does not go with --compare/);
});
