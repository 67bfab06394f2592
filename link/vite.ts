/** A plugin for Vite: `import { linkedPyodide } from "pymalloc/vite"`. */
import { cpSync, createReadStream, statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { dirname, extname, join, posix, resolve } from "node:path";
import { cachedLink } from "./cache.js";

export interface LinkedPyodideOptions {
  /** The folder of the installed Pyodide. Default: the package `pyodide`, as the project sees it. */
  readonly pyodide?: string;
  /** Where it is served, below the site's base. Default `"pyodide"`. */
  readonly path?: string;
}

type Handler = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** The part of Vite's plugins that is used here. */
export interface VitePlugin {
  readonly name: string;
  configResolved(config: { root: string; base: string; build: { outDir: string } }): void;
  configureServer(server: {
    middlewares: { use(path: string, handler: Handler): unknown };
  }): Promise<void>;
  writeBundle(): Promise<void>;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
  ".zip": "application/zip",
};

function serve(folder: string): Handler {
  return (request, response, next) => {
    // The path is below the folder, whatever dots are in it.
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const file = join(folder, posix.normalize(decodeURIComponent(pathname)));
    if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return next();
    response.setHeader("content-type", types[extname(file)] ?? "application/octet-stream");
    createReadStream(file).pipe(response);
  };
}

/**
 * Serves, and puts into what is built, a copy of the installed Pyodide with pymalloc linked in. The page loads it with
 * `const { loadPyodide } = await import("/pyodide/pyodide.mjs")`.
 */
export function linkedPyodide({
  pyodide,
  path = "pyodide",
}: LinkedPyodideOptions = {}): VitePlugin {
  let root = "";
  let base = "/";
  let outDir = "";
  const linked = () =>
    cachedLink(
      pyodide ?? dirname(createRequire(join(root, "x.js")).resolve("pyodide/package.json")),
    );
  return {
    name: "pymalloc:linked-pyodide",
    configResolved(config) {
      root = config.root;
      base = config.base;
      outDir = resolve(config.root, config.build.outDir);
    },
    async configureServer({ middlewares }) {
      middlewares.use(`${base}${path}`, serve(await linked()));
    },
    async writeBundle() {
      cpSync(await linked(), join(outDir, path), { recursive: true });
    },
  };
}
