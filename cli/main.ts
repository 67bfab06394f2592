#!/usr/bin/env node
/** The `pymalloc` command: a verb is run here, or in a worker of this same file. */
import { Console } from "node:console";
import { Writable } from "node:stream";
import { isMainThread } from "node:worker_threads";
import { endWith, supervise, UsageError, writeAll } from "../process/process.js";
import { rescueTrace } from "../trace/trace.js";
import { writeSnapshot } from "./snapshots.js";
import { needsSupervision, requireDirectory, runVerb } from "./verbs.js";

/** A worker's console prints when the main thread gets around to it: this one at once, like all else that is printed. */
function useDirectConsole(): void {
  const streamTo = (fd: number) =>
    new Writable({
      decodeStrings: true,
      write(bytes, _encoding, done) {
        writeAll(fd, bytes);
        done();
      },
    });
  globalThis.console = new Console({ stdout: streamTo(1), stderr: streamTo(2) });
}

const args = process.argv.slice(2);
let ended = false;

// Nothing is left to wait for, and yet the work is not done: what is awaited never comes.
process.once("beforeExit", () => {
  if (ended) return;
  process.exitCode = endWith(
    new UsageError("gave up: the interpreter waits for something that never comes"),
  );
});
process.on("uncaughtException", (error) => process.exit(endWith(error)));

if (!isMainThread) useDirectConsole();
const supervised = isMainThread && needsSupervision(args);
async function work(): Promise<number> {
  if (!supervised) return await runVerb(args);
  requireDirectory();
  return await supervise(new URL(import.meta.url), args, {
    rescue: rescueTrace,
    work: writeSnapshot,
  });
}

work()
  .catch(endWith)
  .then((status) => {
    ended = true;
    // Whoever supervised may have standard input open; a program may have timers that are to run yet.
    if (supervised) process.exit(status);
    process.exitCode = status;
  });
