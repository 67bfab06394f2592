/**
 * Runs tests again whenever a file changes, after building what they read: those that are named on the command line; else
 * the changed test itself, or the tests of the allocator and the library and those of the changed folder.
 *
 *     npm run dev [-- FOLDER or FILE ...]
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, watch } from "node:fs";
import { join, sep } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));

const MADE = ["node_modules", "build", "dist"];
const named = process.argv.slice(2);

/** Files that have changed since the tests began. */
const changed = new Set<string>();
let wake = () => {};

for (const entry of readdirSync(".", { withFileTypes: true })) {
  if (!entry.isDirectory() || entry.name.startsWith(".") || MADE.includes(entry.name)) continue;
  watch(entry.name, { recursive: true }, (_, name) => {
    if (name === null || name.split(sep).includes("generated")) return;
    changed.add(join(entry.name, name));
    wake();
  });
}

/** The tests that a change concerns, for test/run.ts. */
function testsOf(files: readonly string[]): string[] {
  const tests = files.filter((file) => file.endsWith(".test.ts") && existsSync(file));
  const others = files.filter((file) => !file.endsWith(".test.ts"));
  const folders = others.map((file) => join("test", file.split(sep)[0] as string));
  return [
    ...tests,
    ...(others.length > 0 ? ["unit"] : []),
    ...new Set(folders.filter((folder) => existsSync(folder))),
  ];
}

function run(...args: string[]): boolean {
  return spawnSync(process.execPath, args, { stdio: "inherit" }).status === 0;
}

for (let tests = ["unit"]; ; tests = testsOf([...changed])) {
  changed.clear();
  const chosen = named.length > 0 ? named : tests;
  if (chosen.length > 0 && run("tools/setup.mjs")) {
    run("--import", "tsx", "test/run.ts", ...chosen);
  }
  console.log("waiting for a change (Ctrl-C ends)");
  // What changed meanwhile is told of now.
  await setTimeout(100);
  if (changed.size === 0) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
    // An editor writes in several steps.
    await setTimeout(100);
  }
}
