/**
 * The public surface as text, `api/NAME.api.md` for each entry of the package, so that a change of it shows in a diff. Made of
 * the built declarations by API Extractor.
 *
 *   npm run api        writes the reports
 *   npm run api -- -c  only says which are stale, and what in them has no docstring; status 1 if there is any
 */
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  CompilerState,
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
} from "@microsoft/api-extractor";

const root = fileURLToPath(new URL("..", import.meta.url));
const REPORTS = join(root, "api");

/** The declarations of each entry. */
const entries = {
  pymalloc: "dist/esm/types/src/index.d.ts",
  pyodide: "dist/esm/types/python/install.d.ts",
  testing: "dist/esm/types/src/testing.d.ts",
  inspect: "dist/esm/types/inspect/inspect.d.ts",
  link: "dist/esm/link/index.d.ts",
  vite: "dist/esm/link/vite.d.ts",
  esbuild: "dist/esm/link/esbuild.d.ts",
};

/** Members of the heap that it has from an interface, with the docstring there. */
const INHERITS = /: (Object|Allocator)Functions\["\w+"\];$/;

function configOf(name: string, entry: string): ExtractorConfig {
  const silent = { logLevel: ExtractorLogLevel.None, addToApiReportFile: false };
  return ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, "package.json"),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: join(root, entry),
      newlineKind: "lf",
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            ...{ target: "es2022", lib: ["es2022"], types: ["node"] },
            ...{ module: "nodenext", moduleResolution: "nodenext", strict: true },
          },
          files: Object.values(entries).map((file) => join(root, file)),
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: REPORTS,
        reportTempFolder: join(tmpdir(), `pymalloc-api-${process.pid}`),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        extractorMessageReporting: { default: silent },
        compilerMessageReporting: { default: silent },
        tsdocMessageReporting: { default: silent },
      },
    },
  });
}

/** Makes the reports. @returns what is wrong: reports that changed, and names without a docstring */
export function reportApi({ write }: { readonly write: boolean }): string[] {
  const configs = Object.entries(entries).map(([name, entry]) => configOf(name, entry));
  const [first] = configs as [ExtractorConfig];
  const files = Object.values(entries).map((entry) => join(root, entry));
  const compilerState = CompilerState.create(first, { additionalEntryPoints: files });
  return configs.flatMap((config) => {
    const { apiReportChanged } = Extractor.invoke(config, {
      compilerState,
      localBuild: write,
      messageCallback: (message) => {
        message.handled = true;
      },
    });
    const { reportFilePath, reportTempFilePath } = config;
    const name = reportFilePath.slice(root.length);
    const lines = readFileSync(reportTempFilePath, "utf8").split("\n");
    const bare = lines.filter(
      (line, at) => /^ *\/\/ .*\(undocumented\)$/.test(lines[at - 1] ?? "") && !INHERITS.test(line),
    );
    const stale = apiReportChanged && !write ? [`${name} is stale: npm run api`] : [];
    return [...stale, ...bare.map((line) => `${name}: no docstring: ${line.trim()}`)];
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wrong = reportApi({ write: !process.argv.includes("-c") });
  for (const line of wrong) console.error(line);
  if (wrong.length > 0) process.exitCode = 1;
}
