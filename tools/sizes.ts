/**
 * Prints the sizes of what is shipped beside their budgets of sizes.json, and fails when one is larger: the core in bytes
 * of WebAssembly, the library as a bundler makes it, minified and compressed by gzip. What an entry loads later, by `import()`, is
 * counted for itself.
 */
import { readFileSync, statSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

interface Budget {
  /** Bytes. */
  readonly budget: number;
  readonly reason: string;
}

interface Compressed {
  /** Bytes after gzip of all files that are there from the beginning. */
  readonly first: number;
  /** Of those that are loaded when they are asked for. */
  readonly later: number;
}

/** What a bundler makes of a module that exports these names of an entry. */
async function compressed(entry: string, names = "*"): Promise<Compressed> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export ${names} from "./dist/esm/${entry}.js";`, resolveDir: root },
    absWorkingDir: root,
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    platform: "neutral",
    outdir: "bundle",
    write: false,
    metafile: true,
    logLevel: "error",
  });
  const needed = new Set(["bundle/stdin.js"]);
  for (const path of needed) {
    const imports = metafile.outputs[path]?.imports ?? [];
    for (const one of imports) if (one.kind === "import-statement") needed.add(one.path);
  }
  let [first, later] = [0, 0];
  for (const { path, contents } of outputFiles) {
    const { length } = gzipSync(contents, { level: 9 });
    if (needed.has(relative(root, path))) first += length;
    else later += length;
  }
  return { first, later };
}

const inspect = await compressed("inspect");
const sizes: Readonly<Record<string, number>> = {
  "core.wasm": statSync(`${root}/build/core.wasm`).size,
  createHeap: (await compressed("index", "{ createHeap }")).first,
  index: (await compressed("index")).first,
  install: (await compressed("install")).first,
  testing: (await compressed("testing")).first,
  inspect: inspect.first,
  "inspect, files": inspect.later,
};
const budgets = JSON.parse(readFileSync(`${root}/tools/sizes.json`, "utf8")) as Record<
  string,
  Budget
>;

for (const [name, { budget, reason }] of Object.entries(budgets)) {
  const size = sizes[name] ?? Number.NaN;
  const tooLarge = !(size <= budget);
  const verdict = tooLarge ? `  LARGER than the budget: ${reason}` : "";
  console.log(`${name.padEnd(16)}${size} of ${budget} bytes${verdict}`);
  if (tooLarge) process.exitCode = 1;
}
