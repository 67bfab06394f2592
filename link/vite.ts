/** A plugin for Vite: `import { linkedPyodide } from "pymalloc/vite"`. */
import { cp } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import sirv from "sirv";
import { cachedLink, MANIFEST } from "./cache.js";

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
  buildStart(): void;
  writeBundle(): Promise<void>;
}

/** As Vite serves files itself: from below the folder only, and again only when they have changed. */
function serve(folder: string): Handler {
  return sirv(folder, { dev: true, etag: true, extensions: [] });
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
  /** What is built may have several outputs, in one folder. */
  let copied: Promise<void> | undefined;
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
    buildStart() {
      copied = undefined;
    },
    async writeBundle() {
      copied ??= linked().then((folder) => {
        const filter = (name: string) => basename(name) !== MANIFEST;
        return cp(folder, join(outDir, path), { recursive: true, filter });
      });
      await copied;
    },
  };
}
