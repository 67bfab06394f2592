/**
 * Linked Pyodides in the user's cache folder, so that each is linked once. Each has a list of its files with it: a copy is
 * used only while they are what was written, since a damaged one fails in ways that point anywhere but here.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { layoutMark, linkedModule, linkerMark, pydebugModule } from "../base/base.js";
import { LinkError } from "./errors.js";
import { type LinkOptions, linkWith } from "./link-folder.js";
import { PARTIAL, partialName } from "./partial.js";
import { type PyodideFolder, readPyodide } from "./pyodide-folder.js";

/** The list of a copy's files, in the copy. */
export const MANIFEST = ".pymalloc.json";

/** What an interpreter starts from: their content is checked, of the others the length. */
const ESSENTIAL =
  /^(pyodide\.(asm\.)?m?js|pyodide\.asm\.wasm|pyodide-lock\.json|python_stdlib\.zip|package\.json)$/;

/** A copy that is being made for longer than this, in milliseconds, has nobody any more who makes it. */
const ABANDONED = 60 * 60 * 1000;

interface Manifest {
  /** Stands for the Pyodide that it is a copy of. */
  readonly source: string;
  /** Lengths, and hashes of what is essential, by the files' names. */
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256?: string }>>;
}

function cacheFolder(): string {
  const { env, platform } = process;
  const own = {
    win32: () => env["LOCALAPPDATA"] ?? join(homedir(), "AppData", "Local"),
    darwin: () => join(homedir(), "Library", "Caches"),
  }[platform as string];
  // One that is not absolute is to be ignored, says who has defined the variable.
  const xdg = env["XDG_CACHE_HOME"] ?? "";
  return join(isAbsolute(xdg) ? xdg : (own?.() ?? join(homedir(), ".cache")), "pymalloc");
}

function hashOf(...parts: (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

function filesIn(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names.filter((name) => lstatSync(join(folder, name)).isFile());
}

function writeManifest(folder: string, source: string): void {
  const files = filesIn(folder).map((name) => {
    const content = readFileSync(join(folder, name));
    const sha256 = ESSENTIAL.test(name) ? { sha256: hashOf(content) } : {};
    return [name, { bytes: content.length, ...sha256 }] as const;
  });
  const manifest: Manifest = { source, files: Object.fromEntries(files) };
  writeFileSync(join(folder, MANIFEST), JSON.stringify(manifest));
}

/** The list of a copy's files; undefined where there is none that can be read. */
function readManifest(folder: string): Manifest | undefined {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, MANIFEST), "utf8")) as Manifest | null;
    const isOne = typeof manifest?.source === "string" && typeof manifest.files === "object";
    return isOne ? manifest : undefined;
  } catch {
    return undefined;
  }
}

/** Is everything there, as it was written? */
function isWhole(folder: string): boolean {
  const files = Object.entries(readManifest(folder)?.files ?? {});
  try {
    return (
      files.length > 0 &&
      files.every(([name, { bytes, sha256 }]) => {
        const path = join(folder, name);
        if (lstatSync(path).size !== bytes) return false;
        return sha256 === undefined || hashOf(readFileSync(path)) === sha256;
      })
    );
  } catch {
    return false;
  }
}

/** Takes a copy away, at once for whoever looks for it. */
function remove(folder: string): void {
  const gone = join(folder, "..", partialName());
  try {
    renameSync(folder, gone);
  } catch {
    // Someone else has.
  }
  rmSync(gone, { recursive: true, force: true });
}

/** Takes away what nobody will use again: copies of the same Pyodide by other versions, and halves of copies. */
function tidy(cache: string, current: string, version: string, source: string): void {
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    try {
      if (PARTIAL.test(name)) {
        const age = Date.now() - lstatSync(path).mtimeMs;
        if (age > ABANDONED) rmSync(path, { recursive: true, force: true });
      } else if (name.startsWith("pyodide-") && name !== current) {
        const manifest = readManifest(path);
        // The first versions of pymalloc wrote none.
        const isSame = manifest?.source
          ? manifest.source === source
          : name.startsWith(`pyodide-${version}-`);
        if (isSame) remove(path);
      }
    } catch {
      // It is gone, or not ours to remove: the new copy is there all the same.
    }
  }
}

/** Stands for the content of a Pyodide: of all files that an interpreter starts from. */
function sourceOf({ folder }: PyodideFolder): string {
  const names = readdirSync(folder).filter((name) => ESSENTIAL.test(name));
  return hashOf(...names.sort().flatMap((name) => [`${name}\0`, readFileSync(join(folder, name))]));
}

/**
 * A linked copy of a Pyodide's folder, from the cache or made for it. It is found by the content of the Pyodide and of
 * what is linked into it; a damaged one is made anew.
 *
 * @param pyodide as in `link`
 * @returns the path of the copy
 * @throws LinkError as `link` does
 */
export async function cachedLink(
  pyodide: string,
  options: Pick<LinkOptions, "onProgress" | "onPartial" | "withPydebug"> = {},
): Promise<string> {
  const original = readPyodide(pyodide);
  const { withPydebug = false } = options;
  const stock = sourceOf(original);
  // Of one Pyodide there may be a copy of either kind: one does not tidy the other away.
  const source = withPydebug ? hashOf(stock, "pydebug") : stock;
  // The layout also has numbers that only JavaScript reads, and a heap is bound to all of them.
  const { code } = withPydebug ? pydebugModule : linkedModule;
  const mark = hashOf(code, linkerMark, String(layoutMark));
  const name = `pyodide-${original.version}-${hashOf(source, mark).slice(0, 16)}`;
  const cache = cacheFolder();
  const output = join(cache, name);
  if (isWhole(output)) return output;
  if (existsSync(output)) {
    options.onProgress?.(`the copy in ${output} is damaged: making it anew`);
    remove(output);
  }
  try {
    await linkWith({ pyodide, output, ...options }, (path) => writeManifest(path, source));
  } catch (error) {
    // Another process may have been faster.
    if (!(error instanceof LinkError) || !isWhole(output)) throw error;
  }
  tidy(cache, name, original.version, source);
  return output;
}
