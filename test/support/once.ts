/** What is made once and kept for all processes that run tests. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout } from "node:timers/promises";

/** Has the process that wrote this file ended, without taking it away? */
function isLeft(lock: string): boolean {
  try {
    process.kill(Number(readFileSync(lock, "utf8")), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** Does the work while no other process does work under this lock, a file's path. */
export async function locked<T>(lock: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(lock), { recursive: true });
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      if (isLeft(lock)) rmSync(lock, { force: true });
      else await setTimeout(50);
    }
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** The path of a file, which the first that asks makes. */
export async function madeOnce(path: string, make: () => Promise<Uint8Array>): Promise<string> {
  if (existsSync(path)) return path;
  await locked(`${path}.lock`, async () => {
    if (existsSync(path)) return;
    writeFileSync(`${path}.partial`, await make());
    renameSync(`${path}.partial`, path);
  });
  return path;
}
