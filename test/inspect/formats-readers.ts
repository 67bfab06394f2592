/**
 * Others' readers of .heapsnapshot: what Chrome's DevTools runs in its worker, and memlab. Each is 80 MB in node_modules, so
 * npm brings them when a test asks for them first, into build/cache.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { locked } from "../support/once.js";
import { repository, succeed } from "../support/project.js";

const folder = join(repository, "build/cache/readers");

const versions = { "@memlab/core": "2.0.5", "chrome-devtools-frontend": "1.0.1705227" } as const;
type Package = keyof typeof versions;

/** The folder of a package, which npm has put there. */
async function packageFolder(name: Package): Promise<string> {
  const own = join(folder, name.replaceAll(/\W/g, "-"));
  const installed = join(own, "node_modules", name);
  const manifest = join(installed, "package.json");
  await locked(`${own}.lock`, async () => {
    const version = versions[name];
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).version === version)
      return;
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, "package.json"), JSON.stringify({ private: true }));
    // Their scripts would fetch a whole browser.
    const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"];
    await succeed(own, "npm", ["install", ...quiet, `${name}@${version}`], {});
  });
  return installed;
}

/** What a reader says of a node. */
export interface ReadNode {
  readonly id: number;
  readonly type: string;
  readonly name: string;
  readonly own: number;
  readonly retained: number;
  readonly edges: number;
}

/** What DevTools says of a constructor. */
export interface Aggregate {
  readonly name: string;
  readonly count: number;
  readonly self: number;
  /** The shortest distance of one of them. */
  readonly distance: number;
}

interface Difference {
  readonly name: string;
  readonly addedCount: number;
  readonly removedCount: number;
  readonly addedIds: readonly number[];
}

interface DevToolsNode {
  nodeIndex: number;
  id(): number;
  type(): string;
  name(): string;
  className(): string;
  selfSize(): number;
  retainedSize(): number;
  edgesCount(): number;
  distance(): number;
}

/** A part of front_end/entrypoints/heap_snapshot_worker/HeapSnapshot.ts. */
interface DevToolsSnapshot {
  readonly nodeCount: number;
  readonly nodeFieldCount: number;
  createNode(index: number): DevToolsNode;
  aggregatesWithFilter(filter: object): Record<string, Aggregate>;
  interfaceDefinitions(): string;
  aggregatesForDiff(definitions: string): object;
  calculateSnapshotDiff(id: number, base: object): Record<string, Difference>;
  getStatistics(): { readonly total: number; readonly v8heap: { readonly strings: number } };
}

interface DevTools {
  readonly HeapSnapshot: { SecondaryInitManager: new (port: MessagePort) => object };
  readonly HeapSnapshotLoader: new (dispatcher: {
    sendEvent(): void;
  }) => {
    write(chunk: string): void;
    close(): void;
    buildSnapshot(port: MessagePort): Promise<DevToolsSnapshot>;
  };
}

/** DevTools' worker as one file for this Node. */
async function loadDevTools(): Promise<DevTools> {
  const front = join(await packageFolder("chrome-devtools-frontend"), "front_end");
  const worker = join(front, "entrypoints/heap_snapshot_worker");
  const outfile = join(folder, `devtools-${process.pid}.mjs`);
  await build({
    stdin: {
      contents: `export * as HeapSnapshot from "./HeapSnapshot.ts";
        export { HeapSnapshotLoader } from "./HeapSnapshotLoader.ts";`,
      resolveDir: worker,
    },
    bundle: true,
    format: "esm",
    platform: "node",
    outfile,
    logLevel: "error",
    tsconfigRaw: { compilerOptions: { target: "esnext", useDefineForClassFields: false } },
    // Node 20 is without it.
    banner: {
      js: `Promise.withResolvers ??= () => {
        const made = {};
        made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
        return made;
      };`,
    },
    plugins: [
      {
        // Its own build makes this file; there is nobody here to be spoken to in any language.
        name: "locales",
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /\/locales\.js$/ }, () => ({ path: "locales", namespace: "made" }));
          onLoad({ filter: /.*/, namespace: "made" }, () => ({
            contents: `export const LOCALES = [], BUNDLED_LOCALES = [], ALL_LOCALES = [],
              DEFAULT_LOCALE = "en-US", REMOTE_FETCH_PATTERN = "", LOCAL_FETCH_PATTERN = "";`,
          }));
        },
      },
    ],
  });
  return (await import(pathToFileURL(outfile).href)) as DevTools;
}

let devTools: Promise<DevTools> | undefined;

/** A file, opened by DevTools. */
export async function openInDevTools(path: string): Promise<DevToolsSnapshot> {
  devTools ??= loadDevTools();
  const { HeapSnapshot, HeapSnapshotLoader } = await devTools;
  const loader = new HeapSnapshotLoader({ sendEvent() {} });
  loader.write(readFileSync(path, "utf8"));
  loader.close();
  const { port1, port2 } = new MessageChannel();
  new HeapSnapshot.SecondaryInitManager(port2);
  try {
    return await loader.buildSnapshot(port1);
  } finally {
    port1.close();
    port2.close();
  }
}

export function nodesOfDevTools(snapshot: DevToolsSnapshot): ReadNode[] {
  return Array.from({ length: snapshot.nodeCount }, (_, i) => {
    const node = snapshot.createNode(i * snapshot.nodeFieldCount);
    return {
      ...{ id: node.id(), type: node.type(), name: node.name() },
      ...{ own: node.selfSize(), retained: node.retainedSize(), edges: node.edgesCount() },
    };
  });
}

/** How far from the root DevTools finds the instances of a constructor. */
export function distancesInDevTools(snapshot: DevToolsSnapshot, name: string): number[] {
  const nodes = Array.from({ length: snapshot.nodeCount }, (_, i) =>
    snapshot.createNode(i * snapshot.nodeFieldCount),
  );
  return nodes.filter((node) => node.name() === name).map((node) => node.distance());
}

interface MemlabEdge {
  readonly type: string;
  readonly name_or_index: string | number;
  readonly fromNode: MemlabNode;
}

interface MemlabNode {
  readonly id: number;
  readonly type: string;
  readonly name: string;
  readonly self_size: number;
  readonly retainedSize: number;
  readonly edge_count: number;
  readonly pathEdge: MemlabEdge | null;
}

interface MemlabSnapshot {
  readonly nodes: { readonly length: number; get(index: number): MemlabNode };
  getNodeById(id: number): MemlabNode | null;
}

/** A file, opened by memlab, with its retained sizes and its shortest paths. */
export async function openInMemlab(path: string): Promise<MemlabSnapshot> {
  const core = await packageFolder("@memlab/core");
  const require = createRequire(join(core, "package.json"));
  const { utils, config } = require(core);
  // It isn't exported by name, only used by what looks for leaks of pages.
  const { default: TraceFinder } = require(join(core, "dist/paths/TraceFinder.js"));
  config.muteConsole = true;
  const snapshot = await utils.getSnapshotFromFile(path, { buildNodeIdIndex: true });
  const finder = new TraceFinder();
  finder.calculateAllNodesRetainedSizes(snapshot);
  finder.annotateShortestPaths(snapshot);
  return snapshot;
}

export function nodesOfMemlab({ nodes }: MemlabSnapshot): ReadNode[] {
  return Array.from({ length: nodes.length }, (_, i) => {
    const node = nodes.get(i);
    return {
      ...{ id: node.id, type: node.type, name: node.name },
      ...{ own: node.self_size, retained: node.retainedSize, edges: node.edge_count },
    };
  });
}

/** memlab's shortest path to a node, from the root on: `modules > module app > ...`. */
export function memlabPath(snapshot: MemlabSnapshot, id: number): string {
  const steps: string[] = [];
  for (let node = snapshot.getNodeById(id); node?.pathEdge; node = node.pathEdge.fromNode) {
    steps.unshift(String(node.pathEdge.name_or_index));
  }
  return steps.join(" > ");
}
