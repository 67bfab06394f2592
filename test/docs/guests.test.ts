/** Guests in docs/guide/guests.md and the README: each builds as it is printed, in an empty project, runs, and prints what it says. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { compilerEnvironment } from "../../tools/compiler.js";
import { reasonToSkip, reasonToSkipCpp } from "../support/guests.js";
import { newProject, type Project, repository, succeed } from "../support/project.js";
import { snippet } from "../support/snippets.js";

/** Without what differs between machines: places in the binary, and JavaScript's lines. */
function comparable(text: string): string {
  return text
    .replace(/ \(wasm:[^)]*\)/g, "")
    .replace(/^ +at .*(file:|node:).*\n/gm, "")
    .trim();
}

/** A program that prints what a guest's `digits` says, and how many blocks are left, without and with a debug mode. */
function digitsOf(guest: string): string {
  return `
import { readFileSync } from "node:fs";
import { createHeap } from "pymalloc";
for (const malloc of ["pymalloc", "debug"]) {
  const heap = createHeap({ malloc });
  const { digits } = heap.instantiate(readFileSync("${guest}")).exports;
  console.log(digits(1000), heap.getAllocatedBlocks());
}
`;
}

describe("docs/guide/guests.md", () => {
  let project: Project;
  before(async () => {
    project = await newProject(snippet("README.md#install"));
  });
  after(() => project?.close());

  test("its example in C", { skip: reasonToSkip() }, async () => {
    project.write("guest.c", snippet("docs/guide/guests.md#guest.c"));
    const { PATH = "" } = compilerEnvironment();
    await succeed(project.folder, snippet("docs/guide/guests.md#build").trim(), [], { PATH }, true);
    const printed = await project.program("run.mjs", snippet("docs/guide/guests.md#run.mjs"));
    if (process.env["UPDATE_DOCS"]) {
      const path = join(repository, "docs/guide/guests.md");
      const output = printed.replace(/^ +at .*(file:|node:).*\n/gm, "").trim();
      const shown = /(<!-- output -->\n\n```\n)[\s\S]*?```/;
      writeFileSync(path, readFileSync(path, "utf8").replace(shown, `$1${output}\n\`\`\``));
      return;
    }
    assert.equal(comparable(printed), comparable(snippet("docs/guide/guests.md#output")));
  });

  test("its lines for C++", { skip: reasonToSkipCpp() }, async () => {
    const source = `
#include <string>
#include <vector>
extern "C" __attribute__((export_name("digits"))) int digits(int n) {
  std::vector<std::string> texts;
  std::string all;
  for (int i = 0; i < n; i++) texts.push_back(std::to_string(i));
  for (auto &text : texts) all += text;
  return (int)all.size();
}
`;
    project.write("guest.cpp", source);
    const { PATH = "" } = compilerEnvironment();
    const lines = snippet("docs/guide/guests.md#cpp").trim().split("\n");
    for (const line of lines) await succeed(project.folder, line, [], { PATH }, true);
    assert.equal(await project.program("cpp.mjs", digitsOf("guest.wasm")), "2890 0\n2890 0\n");
  });

  test("its example, linked", { skip: reasonToSkip() }, async () => {
    project.write("guest.c", snippet("docs/guide/guests.md#guest.c"));
    const { PATH = "" } = compilerEnvironment();
    await succeed(project.folder, snippet("docs/guide/guests.md#build").trim(), [], { PATH }, true);
    await project.shell(snippet("docs/guide/guests.md#link"));
    const printed = await project.program("linked.mjs", snippet("docs/guide/guests.md#linked.mjs"));
    // Where a block lies is the malloc's affair.
    const placeless = (text: string) => text.replace(/0x[0-9a-f]+/g, "0x").trim();
    assert.equal(placeless(printed), placeless(snippet("docs/guide/guests.md#linked-output")));
  });

  test("its lines for AssemblyScript", async () => {
    project.write(
      "guest.ts",
      "export function count(n: i32): i32 { return new Array<i32>(n).length; }\n",
    );
    await project.shell(snippet("docs/guide/guests.md#asc"));
    const program = `
import { readFileSync } from "node:fs";
import { createHeap } from "pymalloc";
const heap = createHeap();
const abort = () => undefined;
const { exports } = heap.instantiate(readFileSync("guest.wasm"), { env: { abort } });
console.log(exports.count(7), heap.getAllocatedBlocks());
`;
    assert.equal(await project.program("asc.mjs", program), "7 2\n");
  });
});
