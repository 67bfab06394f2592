/**
 * Verbs that run programs or link run in a worker, so that signals are heard meanwhile: a thread that is busy in
 * WebAssembly hears none. SIGINT is passed on to Python, whose KeyboardInterrupt it becomes. A second one that Python
 * does not take, SIGTERM and SIGHUP end the command: half-written files are removed, and a trace is ended and kept.
 */
import { rmSync } from "node:fs";
import { constants } from "node:os";
import { setTimeout } from "node:timers/promises";
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import { endWith, statusOf } from "./endings.js";
import { NO_INPUT, type Notice, type Supervision, Word } from "./supervision.js";

type Signal = keyof typeof constants.signals;

const SIGNALS: readonly Signal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Milliseconds in which a worker stops, unless it is in a system call that does not return. */
const PATIENCE = 1000;

/** So much of standard input is handed over at once. */
const INPUT_BYTES = 65536;

/** Tells the worker of a change in a word. */
function ring(words: Int32Array, word: number, value: number): void {
  Atomics.store(words, word, value);
  Atomics.add(words, Word.bell, 1);
  Atomics.notify(words, Word.bell);
}

/** Counts SIGUSR2 from now on. */
function countSignals(words: Int32Array): void {
  let count = 0;
  process.on("SIGUSR2", () => ring(words, Word.snapshots, ++count));
  Atomics.store(words, Word.counts, 1);
  Atomics.notify(words, Word.counts);
}

/** Standard input, of which a part is put into the shared bytes each time that it is called. */
function inputFor({ words, input }: Pick<Supervision, "words" | "input">): () => void {
  let wanted = false;
  let last: number | undefined;
  const hand = (length: number) => {
    wanted = false;
    ring(words, Word.input, length);
  };
  function supply(): void {
    if (!wanted) return;
    const chunk = process.stdin.read(
      Math.min(process.stdin.readableLength, input.length) || undefined,
    ) as Uint8Array | null;
    if (chunk === null) {
      if (last !== undefined) hand(last);
      return;
    }
    // What is more than fits came in one piece, since nothing was there before.
    input.set(chunk.subarray(0, input.length));
    if (chunk.length > input.length) process.stdin.unshift(chunk.subarray(input.length));
    hand(Math.min(chunk.length, input.length));
  }
  function stop(error?: NodeJS.ErrnoException): void {
    last = error?.errno ?? 0;
    supply();
  }
  return () => {
    wanted = true;
    if (process.stdin.listenerCount("readable") === 0) {
      process.stdin.on("readable", supply).on("end", stop).on("error", stop);
    }
    supply();
  };
}

/** What the command has its supervisor do. */
export interface Duties {
  /** Ends a half-written file so that what it has is kept; `unfinished` is what its writer said of it. */
  rescue(path: string, unfinished: unknown): void;
  /** Does what a verb asked for by a notice "task". The command ends when it is done, and with its failure. */
  work(task: unknown): Promise<void>;
}

/** Runs the command line in a worker that has `main` as its program. @returns the exit status */
export async function supervise(
  main: URL,
  args: readonly string[],
  { rescue, work }: Duties,
): Promise<number> {
  const { port1: port, port2 } = new MessageChannel();
  const words = new Int32Array(new SharedArrayBuffer(4 * Object.keys(Word).length));
  words[Word.input] = NO_INPUT;
  const input = new Uint8Array(new SharedArrayBuffer(INPUT_BYTES));
  const workerData: Supervision = { port: port2, words, input };
  const worker = new Worker(main, { argv: [...args], workerData, transferList: [port2] });

  const leftovers = new Map<string, unknown>();
  const supplyInput = inputFor({ words, input });
  let python = false;
  let failure: number | undefined;
  // One after the other: each may need much memory.
  let tasks = Promise.resolve();
  const note = (notice: Notice) => {
    if (notice.kind === "python") python = notice.runs;
    else if (notice.kind === "counts") countSignals(words);
    else if (notice.kind === "task") {
      tasks = tasks
        .then(() => work(notice.task))
        .catch((error) => {
          failure ??= endWith(error);
        });
    } else if (notice.kind === "input") supplyInput();
    else if (notice.kind === "done") leftovers.delete(notice.path);
    else leftovers.set(notice.path, notice.unfinished);
  };
  port.on("message", note);

  /** Takes what the worker said last. */
  function receive(): void {
    for (let last = receiveMessageOnPort(port); last; last = receiveMessageOnPort(port)) {
      note(last.message);
    }
  }

  function removeLeftovers(): void {
    for (const [path, unfinished] of leftovers) {
      try {
        if (unfinished === undefined) rmSync(path, { recursive: true, force: true });
        else rescue(path, unfinished);
      } catch (error) {
        endWith(error);
      }
    }
  }

  return await new Promise<number>((resolve) => {
    let ending = false;
    async function end(signal: Signal): Promise<void> {
      if (ending) return;
      ending = true;
      const stopped = await Promise.race([worker.terminate(), setTimeout(PATIENCE, "not yet")]);
      receive();
      removeLeftovers();
      if (stopped === "not yet") {
        // This thread can't leave before the worker does; the signal itself ends both.
        process.removeAllListeners(signal);
        process.kill(process.pid, signal);
      }
      resolve(statusOf(signal));
    }
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        const taken = Atomics.load(words, Word.interrupt) === 0;
        if (signal !== "SIGINT" || !python || !taken) return void end(signal);
        ring(words, Word.interrupt, constants.signals.SIGINT);
      });
    }
    worker.on("error", (error) => {
      failure = endWith(error);
    });
    worker.on("exit", (status) => {
      if (ending) return;
      receive();
      void tasks.then(() => {
        if (ending) return;
        removeLeftovers();
        resolve(failure ?? status);
      });
    });
  });
}
