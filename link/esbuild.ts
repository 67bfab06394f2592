/** A plugin for esbuild: `import { linkedGuests } from "pymalloc/esbuild"`. */
import type { LinkGuestOptions } from "./guest.js";
import { linkedFile } from "./guest-file.js";
import { readGuestOptions } from "./options.js";

export type { LinkGuestOptions } from "./guest.js";

/** What esbuild gives a file to: how it becomes a module. */
type Loader = "binary" | "base64" | "copy" | "dataurl" | "file";

/** The part of esbuild's plugins that is used here. */
export interface EsbuildPlugin {
  /** What esbuild calls it in messages. */
  readonly name: string;
  /** Takes the loading of WebAssembly files. */
  setup(build: {
    readonly initialOptions: { readonly loader?: Readonly<Record<string, string>> };
    onLoad(
      options: { filter: RegExp; namespace: string },
      load: (file: {
        path: string;
      }) => Promise<
        | { contents: Uint8Array; loader: Loader; watchFiles: string[] }
        | { errors: { text: string }[]; watchFiles: string[] }
        | undefined
      >,
    ): void;
  }): void;
}

/**
 * Links the guests that a project imports: what `import guest from "./guest.wasm"` gives has pymalloc in it. What that is says
 * esbuild's option `loader` for ".wasm": `"file"` (the file's address, and the default here), `"binary"` (its bytes), or another one.
 * Other WebAssembly files are left alone. What can't be linked is an error of the build's, with the file's name.
 *
 * @throws TypeError that names a wrong option, its value and what was expected
 */
export function linkedGuests(options: LinkGuestOptions = {}): EsbuildPlugin {
  const read = readGuestOptions(options, "linkedGuests");
  return {
    name: "pymalloc:linked-guests",
    setup(build) {
      const loader = (build.initialOptions.loader?.[".wasm"] ?? "file") as Loader;
      // What is in another namespace is another plugin's, and its path need not be a file's.
      build.onLoad({ filter: /\.wasm$/, namespace: "file" }, async ({ path }) => {
        const watchFiles = [path];
        try {
          const linked = await linkedFile(path, read);
          return linked && { contents: linked.bytes, loader, watchFiles };
        } catch (error) {
          return { errors: [{ text: (error as Error).message }], watchFiles };
        }
      });
    },
  };
}
