/** Measurements in processes of their own. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Runs a file of this folder, which sends one message; that. */
export function inProcess<Result>(file: string, args: readonly string[]): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL(file, import.meta.url)), [...args]);
    child.on("message", (result) => resolve(result as Result));
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`${file} ended with ${code}`)));
  });
}
