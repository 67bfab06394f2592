/**
 * What a verb in a worker and the thread that hears signals (`supervisor.ts`) have of each other. The verb says which
 * files are half-written, since it may be stopped anywhere, and when it is Python's turn to be interrupted. Standard
 * input is read for it: a thread in a read that waits could not be interrupted.
 */
import { type MessagePort, workerData } from "node:worker_threads";

export type Notice =
  /** This file or folder is to be removed when the process ends; or rescued, where its writer says what that needs. */
  | { readonly kind: "leftover"; readonly path: string; readonly unfinished?: unknown }
  /** It is there no more under this name. */
  | { readonly kind: "done"; readonly path: string }
  /** From here on SIGINT is Python's, or no longer. */
  | { readonly kind: "python"; readonly runs: boolean }
  /** Some of standard input is wanted. */
  | { readonly kind: "input" }
  /** From here on SIGUSR2 is counted, and does not end the process. */
  | { readonly kind: "counts" }
  /** Something for the thread that listens to do meanwhile, while this one is busy; the command says what. */
  | { readonly kind: "task"; readonly task: unknown };

/** The words that both threads see. */
export const Word = {
  /** A signal for Python: 0 when Python has taken it (Pyodide's interrupt buffer). */
  interrupt: 0,
  /** Counts what has happened: it is what the worker waits at. */
  bell: 1,
  /** Bytes of input that lie ready, 0 at its end, the system's error below 0; `NO_INPUT` while there is none yet. */
  input: 2,
  /** How often SIGUSR2 has come. */
  snapshots: 3,
  /** Is SIGUSR2 counted yet? */
  counts: 4,
} as const;

export const NO_INPUT = 0x7fffffff;

/** What a supervisor gives to the worker. */
export interface Supervision {
  readonly port: MessagePort;
  readonly words: Int32Array;
  /** Input that lies ready. */
  readonly input: Uint8Array;
}

/** None in a verb that nobody supervises. */
export const supervision = (workerData ?? undefined) as Supervision | undefined;

/**
 * A leftover is to be named before it is made: in between, the process may be ended.
 * @param moved buffers that the supervisor gets, and this thread has no more
 */
export function notice(notice: Notice, moved: readonly ArrayBuffer[] = []): void {
  supervision?.port.postMessage(notice, [...moved]);
}

/** Has SIGUSR2 counted. When it returns, none ends the process any more: who sends one may have waited for the next line of output. */
export function countSignals(): void {
  notice({ kind: "counts" });
  if (supervision !== undefined) Atomics.wait(supervision.words, Word.counts, 0);
}

/**
 * Waits for a signal, so many milliseconds at most. `poll` is called first: what comes after it ends the wait.
 * @returns is there one?
 */
export function waitForSignal(
  { words }: Supervision,
  milliseconds: number,
  poll?: () => void,
): boolean {
  const bell = Atomics.load(words, Word.bell);
  poll?.();
  const isThere = () => Atomics.load(words, Word.interrupt) !== 0;
  if (!isThere()) Atomics.wait(words, Word.bell, bell, milliseconds);
  return isThere();
}
