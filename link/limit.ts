/**
 * The limit of a linked program's memory. The program keeps it by itself (core/limit); its JavaScript makes the memory up to 20 %
 * longer than the program asks for, and is told here how long it may become.
 */
import { LinkError } from "./errors.js";

/** The longest memory is a page short of 4 GiB. */
const MOST = 2 ** 32 - 65536;

/**
 * The least limit, in MiB. An interpreter starts in memory of 30 MiB, of 20 up to Pyodide 0.29; the books of the debug heap take
 * some more.
 */
export function leastLimit(withPydebug: boolean): number {
  return withPydebug ? 48 : 32;
}

/** @throws LinkError that names the value and what was expected */
export function checkLimitBytes(bytes: number, withPydebug: boolean): void {
  const least = leastLimit(withPydebug) * 2 ** 20;
  if (Number.isInteger(bytes) && bytes >= least && bytes <= MOST) return;
  throw new LinkError(
    `limitBytes is ${bytes}, expected a whole number of bytes from ${least} to ${MOST}`,
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
