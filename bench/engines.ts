/** The engines that are measured: each is a name, and a way to call a function of ours there. */
import { fork, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { UsageError } from "../process/process.js";

export interface Engine {
  /** The file of its results is named after it. */
  readonly name: string;
  /** Its name and version, for the tables. */
  readonly title: string;
  /**
   * Calls a function that a file exports, in a process of its own.
   * @param file the file's address, import.meta.url mostly
   * @returns what the function gives; that and the arguments go as JSON
   */
  run<Arguments extends readonly (number | string)[], Result>(
    file: string,
    measure: (...args: Arguments) => Result | Promise<Result>,
    ...args: Arguments
  ): Promise<Result>;
}

function nodeEngine(execPath: string, version: string): Engine {
  return {
    name: `node${version.match(/\d+/)?.[0]}`,
    title: `Node ${version}`,
    run(file, measure, ...args) {
      const child = fork(
        fileURLToPath(new URL("node-process.ts", import.meta.url)),
        [file, measure.name, JSON.stringify(args)],
        { execPath },
      );
      return new Promise((resolve, reject) => {
        child.on("message", (result) => resolve(result as Awaited<ReturnType<typeof measure>>));
        child.on("error", reject);
        child.on("exit", (code) => reject(new Error(`${measure.name} ended with ${code}`)));
      });
    },
  };
}

interface Manifest {
  readonly dependencies: { readonly node: string };
}

/**
 * A Node of npm's package `node`, whose script of installation brings the build for this system. It lives in a folder of
 * its own, since as a dependency of ours it would be the Node of all our scripts.
 */
function packagedNode(name: string): Engine {
  const folder = fileURLToPath(new URL(`engines/${name}/`, import.meta.url));
  const manifest = JSON.parse(readFileSync(`${folder}package.json`, "utf8")) as Manifest;
  const version = `v${manifest.dependencies.node}`;
  const windows = process.platform === "win32";
  const binary = `${folder}node_modules/node/bin/node${windows ? ".exe" : ""}`;
  const isThere = () =>
    existsSync(binary) && `${spawnSync(binary, ["--version"]).stdout}`.trim() === version;
  if (!isThere()) {
    console.error(`Installing Node ${version} (once) ...`);
    const words = ["install", "--prefix", folder, "--no-package-lock", "--no-audit", "--no-fund"];
    spawnSync("npm", words, { cwd: folder, stdio: ["ignore", 2, 2], shell: windows });
  }
  if (isThere()) return nodeEngine(binary, version);
  throw new UsageError(
    `npm install in bench/engines/${name} did not bring Node ${version} for this system; ` +
      `--engine node measures on this Node, ${process.version}`,
  );
}

/** The engines by the words of `--engine`; `node` is the one that runs this. */
export const engines = {
  node24: () => packagedNode("node24"),
  node26: () => packagedNode("node26"),
  node: () => nodeEngine(process.execPath, process.version),
} satisfies Record<string, () => Engine | Promise<Engine>>;

export type EngineName = keyof typeof engines;
