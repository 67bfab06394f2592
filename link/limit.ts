/**
 * The limit of a linked program's memory. The program keeps it by itself (core/limit); its JavaScript makes the memory up to 20 %
 * longer than the program asks for, and is told here how long it may become.
 */
import { LinkError } from "./errors.js";

/** An interpreter starts in memory of 30 MiB, of 20 up to Pyodide 0.29. And the longest is a page short of 4 GiB. */
const LEAST = 32 * 2 ** 20;
const MOST = 2 ** 32 - 65536;

/** @throws LinkError that names the value and what was expected */
export function checkLimitBytes(bytes: number): void {
  if (Number.isInteger(bytes) && bytes >= LEAST && bytes <= MOST) return;
  throw new LinkError(
    `limitBytes is ${bytes}, expected a whole number of bytes from ${LEAST} to ${MOST}`,
  );
}

const LONGEST = /\bgetHeapMax\s*=\s*\(\)\s*=>\s*(\d+)/;

/**
 * The program's JavaScript for memories with a limit, which may be another one later.
 * @throws LinkError where it does not say how long memories become
 */
export function glueWithLimit(glue: string): string {
  const main = "Module.LDSO?.loadedLibsByName?.__main__?.exports";
  if (!LONGEST.test(glue))
    throw new LinkError("its JavaScript does not say how long memories become");
  // Up to Pyodide 0.29 the same JavaScript may serve a program without a limit.
  return glue.replace(
    LONGEST,
    (_, most) => `getHeapMax=()=>(${main}?.pymalloc_limit?.()>>>0)||${most}`,
  );
}
