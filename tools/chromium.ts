/** A Chromium to test and to measure in, and a server for what its pages load. */
import { accessSync, constants } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const candidates = [
  process.env["CHROMIUM"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The browser of this machine, if there is one: playwright-core brings none. */
export function findChromium(): string | undefined {
  return candidates.find((path) => path !== undefined && isExecutable(path));
}

export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".ts": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".zip": "application/zip",
};

export interface Site {
  readonly origin: string;
  close(): Promise<void>;
}

export interface Serving {
  /** The path that everything is below. Default `"/"`. */
  readonly base?: string;
  /** Headers of each answer. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Serves contents by their path, and files out of folders by the first part of theirs. */
export async function serve(
  contents: Readonly<Record<string, string | Uint8Array>>,
  folders: Readonly<Record<string, string>>,
  { base = "/", headers = {} }: Serving = {},
): Promise<Site> {
  async function contentOf(path: string): Promise<string | Uint8Array | undefined> {
    if (Object.hasOwn(contents, path)) return contents[path];
    const [, first = "", ...rest] = path.split("/");
    const folder = Object.hasOwn(folders, first) ? folders[first] : undefined;
    if (folder === undefined) return undefined;
    return await readFile(join(folder, ...rest)).catch(() => undefined);
  }

  const server = createServer(async (request, response) => {
    // The parser takes dots out of the path, so that nobody leaves a folder.
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const path = pathname.startsWith(base) ? pathname.slice(base.length - 1) : "";
    const content = await contentOf(path);
    const type = types[extname(path)] ?? "application/octet-stream";
    response.writeHead(content === undefined ? 404 : 200, { "content-type": type, ...headers });
    response.end(content);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
