/** Signals in the middle of `run`, `record` and `link`: Python hears Ctrl-C, and nothing half-written is left. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { main, quickPyodide } from "../support/command.js";
import { folderOf } from "../support/pyodide.js";
import { readEvents, temporaryFolder } from "../support/traces.js";

const folder = temporaryFolder();
await quickPyodide(folder);
const skip = process.platform === "win32" && "signals of POSIX";

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

/** Sends signals, one after the other, when the command has printed "go", or whatever `when` says. */
function interrupted(
  args: readonly string[],
  signals: readonly NodeJS.Signals[],
  when = /go\n/,
): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [main, ...args], { cwd: folder });
    let output = "";
    const left = [...signals];
    const listen = (bytes: Buffer) => {
      output += bytes;
      if (!when.test(output) || left.length < signals.length) return;
      const send = () => {
        const signal = left.shift();
        if (signal === undefined) return;
        child.kill(signal);
        setTimeout(send, 300);
      };
      send();
    };
    child.stdout.on("data", listen);
    child.stderr.on("data", listen);
    // What a shell sees of one that the signal itself has ended: its worker did not stop in time.
    const statusOf = (signal: NodeJS.Signals | null) =>
      signal ? 128 + constants.signals[signal] : null;
    child.on("close", (status, signal) => resolve({ status: status ?? statusOf(signal), output }));
  });
}

const BUSY = 'print("go", flush=True)\nwhile True: x = [1] * 100\n';

test("Ctrl-C is Python's KeyboardInterrupt, whatever it is at", { skip }, async () => {
  const waits = {
    "busy.py": BUSY,
    "sleeps.py": 'import time\nprint("go", flush=True)\ntime.sleep(100)\n',
    "reads.py": 'print("go", flush=True)\ninput()\n',
  };
  for (const [name, text] of Object.entries(waits)) {
    const { status, output } = await interrupted(["run", write(name, text)], ["SIGINT"]);
    assert.equal(status, 130, output);
    assert.match(output, /^go\nTraceback [\s\S]*\nKeyboardInterrupt\n$/);
    assert.doesNotMatch(output, /file:\/\//);
  }
  const caught = write(
    "catches.py",
    'import time\ntry:\n    print("go", flush=True)\n    time.sleep(100)\nexcept KeyboardInterrupt:\n    print("caught")\n',
  );
  assert.deepEqual(await interrupted(["run", caught], ["SIGINT"]), {
    status: 0,
    output: "go\ncaught\n",
  });
});

test("a recording that is stopped is a whole trace of what was recorded", { skip }, async () => {
  const script = write("busy.py", BUSY);
  for (const [signals, expected] of [
    [["SIGINT"], 130],
    [["SIGTERM", "SIGTERM"], 143],
    [["SIGHUP"], 129],
  ] as const) {
    const name = `${signals[0]}.pmt`;
    const before = readdirSync(folder);
    const { status, output } = await interrupted(["record", "-o", name, script], signals);
    assert.equal(status, expected, output);
    assert.deepEqual(readdirSync(folder).sort(), [...before, name].sort());
    // A chunk is written when it is full; what Python ends itself is whole.
    const events = await readEvents(join(folder, name));
    assert.ok(expected !== 130 || events.length > 0);
  }
});

test("linking that is stopped leaves nothing", { skip }, async () => {
  const before = readdirSync(folder);
  const args = ["link", folderOf("pyodide"), "-o", "linked"];
  for (const [signal, expected] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    const { status, output } = await interrupted(args, [signal], /linking \.\.\.\n/);
    assert.equal(status, expected, output);
    assert.deepEqual(readdirSync(folder), before);
  }
});
