/**
 * Sets everything up that a fresh clone lacks: the packages, and what is built. Does nothing when nothing
 * changed. It runs before any package is there, so it is plain JavaScript.
 *
 * It is npm's `prepare` as well: npm runs it after `npm ci` and `npm install`, before it packs, and when another
 * project depends on this repository's address.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`pymalloc needs Node 20.19 or newer, this is ${process.version}`);
  process.exit(1);
}

function filesIn(path) {
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path).filter((name) => name !== "generated");
  return names.sort().flatMap((name) => filesIn(join(path, name)));
}

function hashOf(paths) {
  const hash = createHash("sha256");
  for (const file of paths.flatMap(filesIn)) hash.update(`${file}\0`).update(readFileSync(file));
  return hash.digest("hex");
}

/** Does the work unless it was done for just these inputs. */
function once(stamp, inputs, outputs, work) {
  const hash = hashOf(inputs);
  const known = existsSync(stamp) ? readFileSync(stamp, "utf8") : "";
  if (known === hash && outputs.every(existsSync)) return;
  work();
  writeFileSync(stamp, hash);
}

// Behind an installation the packages are what npm has just made them: another one here would come back to this line.
const { npm_lifecycle_event: event, npm_command: command } = process.env;
const installing = event === "prepare" && command !== "pack" && command !== "publish";

once("node_modules/.pymalloc-setup", ["package-lock.json"], ["node_modules/tsx"], () => {
  if (installing) return;
  console.error("Installing packages (once) ...");
  // npm is a script of its own on Windows.
  const shell = process.platform === "win32";
  execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { stdio: ["ignore", 2, 2], shell });
});

const sources = [
  ...["core", "base", "hosts", "src", "python", "inspect", "viewer", "link"],
  ...["process", "trace", "interpreter", "measure", "cli", "tools"],
  "package.json",
  "package-lock.json",
];
const configs = ["tsconfig.json", "tsconfig.build.json"];
const outputs = ["base/generated/marks.ts", "dist/cli/main.js", "dist/esm/types/src/index.d.ts"];
once("build/.stamp", [...sources, ...configs], outputs, () => {
  console.error("Building ...");
  const loaders = ["--import", "tsx", "--import", "./tools/untransformed.mjs"];
  execFileSync(process.execPath, [...loaders, "tools/build.ts"], { stdio: ["ignore", 2, 2] });
});
