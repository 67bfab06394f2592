/**
 * Prints the sizes of what is shipped beside their budgets of sizes.json, and fails when one is larger: the core in bytes
 * of WebAssembly, the library as a bundler makes it, minified and compressed by gzip.
 */
import { readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

interface Budget {
  /** Bytes. */
  readonly budget: number;
  readonly reason: string;
}

/** What a bundler makes of a module that exports these names of an entry; bytes after gzip. */
async function compressed(entry: string, names = "*"): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: `export ${names} from "./dist/esm/${entry}.js";`, resolveDir: root },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "neutral",
    write: false,
    logLevel: "error",
  });
  return gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length;
}

const sizes: Readonly<Record<string, number>> = {
  "core.wasm": statSync(`${root}/build/core.wasm`).size,
  createHeap: await compressed("index", "{ createHeap }"),
  index: await compressed("index"),
  install: await compressed("install"),
  testing: await compressed("testing"),
  inspect: await compressed("inspect"),
};
const budgets = JSON.parse(readFileSync(`${root}/tools/sizes.json`, "utf8")) as Record<
  string,
  Budget
>;

for (const [name, { budget, reason }] of Object.entries(budgets)) {
  const size = sizes[name] ?? Number.NaN;
  const tooLarge = !(size <= budget);
  const verdict = tooLarge ? `  LARGER than the budget: ${reason}` : "";
  console.log(`${name.padEnd(12)}${size} of ${budget} bytes${verdict}`);
  if (tooLarge) process.exitCode = 1;
}
