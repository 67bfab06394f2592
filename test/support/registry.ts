/** A registry with what is in node_modules, so that a test runs `npm install` as it is printed, and asks nobody. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const packages = fileURLToPath(new URL("../../node_modules", import.meta.url));

export interface Registry {
  /** For npm's setting `registry`. */
  readonly url: string;
  close(): void;
}

/** Where the versions of a package are: one at the top, others below what depends on them. */
function versionsOf(name: string): Map<string, string> {
  const below = readdirSync(packages).map((other) => join(packages, other, "node_modules"));
  const folders = [packages, ...below].map((folder) => join(folder, name));
  const found = folders.filter((folder) => existsSync(join(folder, "package.json")));
  return new Map(found.map((folder) => [manifestOf(folder).version, folder]));
}

function manifestOf(folder: string): { readonly version: string } {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

/** What a registry knows of a package. */
function documentOf(name: string, folders: Map<string, string>, origin: string): string {
  const versions = [...folders].map(([version, folder]) => {
    const tarball = `${origin}/-/${encodeURIComponent(name)}/${version}`;
    return [version, { ...manifestOf(folder), dist: { tarball } }] as const;
  });
  const [latest] = folders.keys();
  return JSON.stringify({ name, "dist-tags": { latest }, versions: Object.fromEntries(versions) });
}

export async function openRegistry(): Promise<Registry> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    const [, name = path.slice(1), version] = path.match(/^\/-\/(.+)\/([^/]+)$/) ?? [];
    const folders = versionsOf(name);
    // What is for other systems is not installed, and npm does without.
    if (folders.size === 0) return response.writeHead(404).end();
    if (version === undefined) return response.end(documentOf(name, folders, origin));
    const folder = folders.get(version) ?? "";
    // npm strips the first folder, whatever its name, and takes archives that are not compressed.
    const what = ["-cf", "-", "-C", dirname(folder), "--exclude=node_modules", basename(folder)];
    return spawn("tar", what, { stdio: ["ignore", "pipe", "inherit"] }).stdout.pipe(response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: origin,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
