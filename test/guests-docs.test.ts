/** docs/guests.md: its example builds as it is printed, runs, and prints what it says. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compilerEnvironment } from "../tools/compiler.js";
import { folder, include, reasonToSkip, root } from "./support/guests.js";

const path = join(root, "docs/guests.md");
const page = readFileSync(path, "utf8");

/** The code behind a mark. */
function part(mark: string): string {
  const found = page.match(
    new RegExp(`<!-- ${mark.replace(".", "\\.")} -->\n\n\`\`\`\\w*\n([\\s\\S]*?)\`\`\``),
  );
  assert.ok(found, mark);
  return found[1] as string;
}

/** Without what differs between machines: places in the binary, and JavaScript's lines. */
function comparable(text: string): string {
  return text
    .replace(/ \(wasm:[^)]*\)/g, "")
    .replace(/^ +at .*(file:|node:).*\n/gm, "")
    .trim();
}

test("the example of docs/guests.md", { skip: reasonToSkip() }, () => {
  for (const name of ["guest.c", "run.mjs"]) {
    const built = join(root, "dist/esm/index.js");
    writeFileSync(
      join(folder, name),
      part(name).replace('"pymalloc";', `${JSON.stringify(built)};`),
    );
  }
  const [compiler = "", ...args] = part("build").trim().split(" ");
  const here = args.map((arg) => arg.replace("node_modules/pymalloc/include", include));
  execFileSync(compiler, here, { cwd: folder, stdio: "inherit", env: compilerEnvironment() });
  const env = { ...process.env, PYTHONMALLOC: "" };
  const printed = execFileSync(process.execPath, ["run.mjs"], {
    cwd: folder,
    encoding: "utf8",
    env,
  });
  if (process.env["UPDATE_DOCS"]) {
    const output = printed.replace(/^ +at .*(file:|node:).*\n/gm, "").trim();
    writeFileSync(
      path,
      page.replace(/(<!-- output -->\n\n```\n)[\s\S]*?```/, `$1${output}\n\`\`\``),
    );
    return;
  }
  assert.equal(comparable(printed), comparable(part("output")));
});
