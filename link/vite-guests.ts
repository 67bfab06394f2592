/** The part of the plugin for Vite that links guests. */
import { dirname, isAbsolute, join, resolve } from "node:path";
import type { LinkGuestOptions } from "./guest.js";
import { keptLinkedFile } from "./guest-file.js";

/** The part of Vite's plugins that is used here. */
export interface ViteGuestsPlugin {
  /** What Vite calls it in messages. */
  readonly name: string;
  /** Before Vite's own resolution, which would find the file as it is. */
  readonly enforce: "pre";
  /** Takes the project's root, and the folder in which plugins may keep files. */
  configResolved(config: { root: string; cacheDir: string }): void;
  /** Has a page reloaded when a guest was built anew. */
  configureServer(server: {
    watcher: {
      add(path: string): unknown;
      on(event: "change", seen: (path: string) => void): unknown;
    };
    moduleGraph: { invalidateAll(): void };
    ws: { send(message: { type: "full-reload" }): void };
  }): void;
  /** Takes imports of guests, with whatever is asked of the file: `?init`, `?url`. */
  resolveId(source: string, importer: string | undefined): Promise<string | undefined>;
}

const WASM = /^([^?\0]+\.wasm)(\?.*)?$/;

/**
 * Links the guests that a project imports: what `import init from "./guest.wasm?init"` or `"./guest.wasm?url"` gives has pymalloc in it.
 * Other WebAssembly files are left alone.
 */
export function linkedGuests(options: LinkGuestOptions = {}): ViteGuestsPlugin {
  let root = "";
  let folder = "";
  /** The guests that were linked, as the compiler wrote them. */
  const originals = new Set<string>();
  let watch: (path: string) => void = () => {};
  return {
    name: "pymalloc:linked-guests",
    enforce: "pre",
    configResolved(config) {
      root = config.root;
      folder = join(config.cacheDir, "pymalloc");
    },
    configureServer({ watcher, moduleGraph, ws }) {
      watch = (path) => watcher.add(path);
      for (const path of originals) watch(path);
      watcher.on("change", (path) => {
        if (!originals.has(resolve(path))) return;
        moduleGraph.invalidateAll();
        ws.send({ type: "full-reload" });
      });
    },
    async resolveId(source, importer) {
      const [, file, query = ""] = WASM.exec(source) ?? [];
      if (file === undefined) return undefined;
      const path = pathOf(file, importer, root);
      if (path === undefined) return undefined;
      const linked = await keptLinkedFile(path, folder, options);
      if (linked === undefined) return undefined;
      originals.add(path);
      watch(path);
      return linked + query;
    },
  };
}

/** Which file is meant: one beside the importer, or one of the project's by its address on the site. Packages are Vite's affair. */
function pathOf(file: string, importer: string | undefined, root: string): string | undefined {
  if (file.startsWith(".")) {
    return importer === undefined
      ? undefined
      : resolve(dirname(importer.split("?")[0] as string), file);
  }
  if (!isAbsolute(file)) return undefined;
  return file.startsWith(root) ? file : join(root, file);
}
