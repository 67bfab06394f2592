/** Plugins for Vite: `import { linkedGuests, linkedPyodide } from "pymalloc/vite"`. */
import { cp } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import sirv from "sirv";
import { requireOptions } from "../base/base.js";
import { cachedLink, MANIFEST } from "./cache.js";
import { readPyodide } from "./pyodide-folder.js";

export type { LinkGuestOptions } from "./guest.js";
export { linkedGuests, type ViteGuestsPlugin } from "./vite-guests.js";

/** What the plugin takes; every option may be left out. */
export interface LinkedPyodideOptions {
  /** The folder of the installed Pyodide. Default: the package `pyodide`, as the project sees it. */
  readonly pyodide?: string;
  /** Where it is served, below the site's base. Default `"pyodide"`. */
  readonly path?: string;
  /** Link the debug heap in as well, as `link` does: it names mistakes, and costs time and memory. Default false. */
  readonly withPydebug?: boolean;
}

/** The part of Vite's plugins that is used here. */
export interface VitePlugin {
  /** What Vite calls it in messages. */
  readonly name: string;
  /** Before Vite's own resolution, which would find the package. */
  readonly enforce: "pre";
  /** Keeps Vite from bundling the package beforehand. */
  config(): { optimizeDeps: { exclude: string[] } };
  /** Takes the project's root, base and folder of outputs. */
  configResolved(config: { root: string; base: string; build: { outDir: string } }): void;
  /** Serves the linked copy while the project is developed. */
  configureServer(server: {
    // "never" for what Node's types name, which a project may lack.
    middlewares: {
      use(
        path: string,
        handler: (request: never, response: never, next: () => void) => void,
      ): unknown;
    };
  }): Promise<void>;
  /** Takes the import of `pyodide` in code for pages. */
  resolveId(
    source: string,
    importer: string | undefined,
    options: { ssr?: boolean | undefined },
  ): string | undefined;
  /** What is imported in its place. */
  load(id: string): string | undefined;
  /** Forgets the build before. */
  buildStart(): void;
  /** Puts the linked copy into what was built. */
  writeBundle(): Promise<void>;
}

type Handler = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** As Vite serves files itself: from below the folder only, and again only when they have changed. */
function serve(folder: string): Handler {
  return sirv(folder, { dev: true, etag: true, extensions: [] });
}

/** Begins with a zero, as the names of modules do that are no files. */
const MODULE = "\0pymalloc:linked-pyodide";

/**
 * What a page gets for the package `pyodide`. The interpreter's own files are served as they are: bundled they would
 * look for each other in the wrong folder, and Vite refuses to import what is only served.
 */
function moduleText(path: string, version: string): string {
  return `export const version = ${JSON.stringify(version)};
export async function loadPyodide(options) {
  const page = globalThis.document?.baseURI ?? globalThis.location.href;
  const url = new URL(import.meta.env.BASE_URL + ${JSON.stringify(`${path}/pyodide.mjs`)}, page).href;
  const linked = await import(/* @vite-ignore */ url);
  return await linked.loadPyodide(options);
}
`;
}

/**
 * Serves, and puts into what is built, a copy of the installed Pyodide with pymalloc linked in. It is what pages and
 * workers get with `import { loadPyodide } from "pyodide"`; code for a server gets the package itself.
 *
 * @throws TypeError that names an unknown option
 */
export function linkedPyodide(options: LinkedPyodideOptions = {}): VitePlugin {
  requireOptions(options, ["pyodide", "path", "withPydebug"], "linkedPyodide");
  const { pyodide, path = "pyodide", withPydebug = false } = options;
  let root = "";
  let base = "/";
  let outDir = "";
  const original = () =>
    pyodide ?? dirname(createRequire(join(root, "x.js")).resolve("pyodide/package.json"));
  const linked = () => cachedLink(original(), { withPydebug });
  /** What is built may have several outputs, in one folder. */
  let copied: Promise<void> | undefined;
  return {
    name: "pymalloc:linked-pyodide",
    // Vite's own resolution would find the package.
    enforce: "pre",
    config() {
      return { optimizeDeps: { exclude: ["pyodide"] } };
    },
    configResolved(config) {
      root = config.root;
      base = config.base;
      outDir = resolve(config.root, config.build.outDir);
    },
    async configureServer({ middlewares }) {
      middlewares.use(`${base}${path}`, serve(await linked()));
    },
    resolveId(source, _importer, { ssr }) {
      const names = ["pyodide", `/${path}/pyodide.mjs`, `${base}${path}/pyodide.mjs`];
      return names.includes(source) && !ssr ? MODULE : undefined;
    },
    load(id) {
      return id === MODULE ? moduleText(path, readPyodide(original()).version) : undefined;
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
