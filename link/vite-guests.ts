/** The part of the plugin for Vite that links guests. */
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { basename, isAbsolute, join, resolve } from "node:path";
import type { LinkGuestOptions } from "./guest.js";
import { isGuest, keptLinkedFile } from "./guest-file.js";
import { readGuestOptions } from "./options.js";

/** What Vite finds for the source of an import. */
interface Resolved {
  readonly id: string;
}

/** The part of Vite's plugins that is used here; Rollup's and Rolldown's are the same, without the two functions about Vite itself. */
export interface ViteGuestsPlugin {
  /** What Vite calls it in messages. */
  readonly name: string;
  /** Before Vite's own resolution, which would find the file as it is. */
  readonly enforce: "pre";
  /** Takes the folder in which plugins may keep files. */
  configResolved(config: { cacheDir: string }): void;
  /** Has a page reloaded when a guest was built anew. */
  configureServer(server: {
    watcher: {
      add(path: string): unknown;
      on(event: "change" | "add", seen: (path: string) => void): unknown;
    };
    moduleGraph: { invalidateAll(): void };
    ws: { send(message: { type: "full-reload" }): void };
  }): void;
  /** Takes imports of guests, with whatever is asked of the file: `?init`, `?url`. */
  resolveId(
    this: {
      resolve(
        source: string,
        importer: string | undefined,
        options: { skipSelf: boolean },
      ): Promise<Resolved | null>;
    },
    source: string,
    importer: string | undefined,
    options: object,
  ): Promise<string | undefined>;
  /** Links the guest; what is loaded is for the bundler to say. */
  load(this: { addWatchFile(path: string): void }, id: string): Promise<undefined>;
}

const WASM = /^([^?\0]+\.wasm)(\?.*)?$/;

/** Where linked guests are kept in a project that has no Vite. */
const KEPT = "node_modules/.cache/pymalloc";

/**
 * Links the guests that a project imports: what `import init from "./guest.wasm?init"` or `"./guest.wasm?url"` gives has pymalloc in it.
 * Other WebAssembly files are left alone. What can't be linked is an error of the build's, with the file's name. In Rollup and
 * Rolldown it is a plugin as well: what an import gives says whichever plugin loads WebAssembly files there.
 *
 * @throws TypeError that names a wrong option, its value and what was expected
 */
export function linkedGuests(options: LinkGuestOptions = {}): ViteGuestsPlugin {
  const read = readGuestOptions(options, "linkedGuests");
  let folder = resolve(KEPT);
  /** The guests that are imported, as the compiler wrote them, by the paths of the linked ones. */
  const originals = new Map<string, string>();
  let watch: (path: string) => void = () => {};
  return {
    name: "pymalloc:linked-guests",
    enforce: "pre",
    configResolved(config) {
      folder = resolve(config.cacheDir, "pymalloc");
    },
    configureServer({ watcher, moduleGraph, ws }) {
      watch = (path) => watcher.add(path);
      const reload = () => {
        moduleGraph.invalidateAll();
        ws.send({ type: "full-reload" });
      };
      const awaited = new Set<string>();
      const changed = (path: string) => {
        const original = resolve(path);
        if ([...originals.values()].includes(original)) whenWritten(original, awaited, reload);
      };
      watcher.on("change", changed);
      // A compiler may remove the file before it writes it anew.
      watcher.on("add", changed);
    },
    async resolveId(source, importer, how) {
      if (!WASM.test(source)) return undefined;
      const found = await this.resolve(source, importer, { ...how, skipSelf: true });
      const [, file, query = ""] = WASM.exec(found?.id ?? "") ?? [];
      // What is served as it is has an address, and no file of that path.
      if (file === undefined || !isAbsolute(file) || !existsSync(file)) return undefined;
      const original = resolve(file);
      if (!isGuest(new Uint8Array(readFileSync(original)))) return undefined;
      const linked = placeOf(original, folder, read);
      originals.set(linked, original);
      watch(original);
      return linked + query;
    },
    async load(id) {
      const [, linked = ""] = WASM.exec(id) ?? [];
      const original = originals.get(linked);
      if (original === undefined) return undefined;
      this.addWatchFile(original);
      const kept = await keptLinkedFile(original, folder, read);
      // What is no guest any more stands as it is.
      replace(linked, kept ?? original);
      return undefined;
    },
  };
}

/** A file that is as it was for so many milliseconds is written to its end. */
const WRITTEN = 100;

/**
 * Does something once a file is there, and written to its end: a watcher is silent of a change soon after another one (chokidar: 50 ms).
 * @param awaited files that are waited for: what is told of them meanwhile changes nothing
 */
function whenWritten(path: string, awaited: Set<string>, work: () => void): void {
  if (awaited.has(path)) return;
  awaited.add(path);
  const look = (before: string) => {
    const now = stateOf(path);
    if (now !== before) {
      later(now);
      return;
    }
    awaited.delete(path);
    if (now !== "") work();
  };
  const later = (state: string) => setTimeout(look, WRITTEN, state).unref();
  later(stateOf(path));
}

/** Another text after each change of a file; empty where there is none. */
function stateOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? "" : `${found.ino} ${found.size} ${found.mtimeMs}`;
}

/**
 * Where the linked guest is for a bundler: always at the same path, since a bundler that watches does not ask again where
 * an import leads. Paths have slashes there.
 */
function placeOf(original: string, folder: string, { withPydebug }: LinkGuestOptions): string {
  const which = createHash("sha256").update(`${original}\0${withPydebug}`).digest("hex");
  return join(folder, which.slice(0, 16), basename(original)).replaceAll("\\", "/");
}

/** Makes a file a copy of another one; it is never there in part. */
function replace(path: string, by: string): void {
  if (existsSync(path) && readFileSync(path).equals(readFileSync(by))) return;
  const partial = `${path}.${process.pid}.partial`;
  mkdirSync(resolve(path, ".."), { recursive: true });
  copyFileSync(by, partial);
  renameSync(partial, path);
}
