/** The declarations of the package: TypeScript's compiler writes them to build/types/, from where they go to dist/. */
import { spawn } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, sep } from "node:path";

const FOLDER = "build/types";
const FORMATS = ["esm", "cjs"];

/** What the entries pymalloc/link, pymalloc/vite and pymalloc/esbuild declare, and no more. */
const LINK = ["index", "vite", "vite-guests", "esbuild", "guest", "link-folder", "link-program"];
LINK.push("errors");

function declarationsIn(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".d.ts"));
}

/** Has declarations mean base/webassembly.ts, and not a library that a project may lack. */
function withoutDom(folder: string): void {
  for (const name of declarationsIn(folder)) {
    if (name === join("base", "webassembly.d.ts")) continue;
    const file = join(folder, name);
    const text = readFileSync(file, "utf8");
    const from = `${"../".repeat(name.split(sep).length - 1) || "./"}base/webassembly.js`;
    const imports = [
      ...(/\bWebAssembly\.\w/.test(text) ? [`import type * as WebAssembly from "${from}";\n`] : []),
      ...(/\bBufferSource\b/.test(text) ? [`import type { BufferSource } from "${from}";\n`] : []),
    ];
    writeFileSync(file, imports.join("") + text);
  }
}

/** Compiles what has changed since the last time. @throws Error where there are mistakes, which tsc tells of */
async function compile(): Promise<void> {
  const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  const child = spawn(process.execPath, [tsc, "-p", "tsconfig.build.json"], { stdio: "inherit" });
  const status = await new Promise((resolve) => child.on("close", resolve));
  if (status !== 0) throw new Error("the declarations can't be made");
  for (const name of declarationsIn(FOLDER)) {
    const source = name.replace(/\.d\.ts$/, ".ts");
    if (!existsSync(source)) rmSync(join(FOLDER, name));
  }
}

/** Puts the declarations into dist/. */
export async function declare(): Promise<void> {
  // What tsc finds unchanged it does not write again.
  if (!existsSync(FOLDER)) rmSync("build/types.tsbuildinfo", { force: true });
  await compile();
  for (const format of FORMATS) {
    const filter = (path: string) => path !== join(FOLDER, "link");
    cpSync(FOLDER, `dist/${format}/types`, { recursive: true, filter });
    withoutDom(`dist/${format}/types`);
    for (const name of LINK) {
      cpSync(`${FOLDER}/link/${name}.d.ts`, `dist/${format}/link/${name}.d.ts`);
    }
  }
}
