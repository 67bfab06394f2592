/**
 * The programs of examples/mistakes/: each is named, and docs/guide/corrupted-heap.md shows what is really printed.
 * UPDATE_DOCS=1 writes the outputs into it.
 */
import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Outcome, quickPyodide, runIn } from "../support/command.js";
import { long } from "../support/profile.js";
import { temporaryFolder } from "../support/traces.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const page = `${root}docs/guide/corrupted-heap.md`;

/** Where the programs are run: beside an interpreter that starts quickly. */
const folder = temporaryFolder();
await quickPyodide(folder);
cpSync(join(root, "examples/mistakes"), join(folder, "examples/mistakes"), { recursive: true });

const results = new Map<string, Outcome>();

/** Runs a program, or says what it did when it ran before. */
function run(...args: readonly string[]): Outcome {
  const result = results.get(args.join(" ")) ?? runIn(folder, ["run", ...args]);
  results.set(args.join(" "), result);
  return result;
}

const kinds = {
  buffer_overflow: "buffer-overflow",
  buffer_underflow: "buffer-underflow",
  use_after_free_write: "use-after-free-write",
  double_free: "double-free",
  wrong_family: "wrong-family",
  invalid_pointer: "invalid-pointer",
  without_gil: "without-gil",
};

test("there is a program for each kind of mistake", () => {
  const programs = readdirSync(`${root}examples/mistakes`).filter((name) =>
    /^[a-z_]+\.py$/.test(name),
  );
  const expected = [...Object.keys(kinds), "capi", "reference_too_few"].map((name) => `${name}.py`);
  assert.deepEqual(programs.sort(), expected.sort());
});

for (const [name, kind] of Object.entries(kinds)) {
  test(`examples/mistakes/${name}.py: ${kind}`, () => {
    const { status, stderr } = run("--malloc", "debug", `examples/mistakes/${name}.py`);
    assert.equal(status, 134);
    assert.match(stderr, new RegExp(`^PyMemError: ${kind}: `));
    assert.match(
      stderr,
      new RegExp(`\\n {2}File ".*/examples/mistakes/${name}\\.py", line \\d+ in `),
    );
    if (!long) return;
    const unnoticed = run("--malloc", "malloc", `examples/mistakes/${name}.py`);
    assert.deepEqual([unnoticed.status, unnoticed.stderr], [0, ""], "on the plain malloc");
  });
}

test("examples/mistakes/reference_too_few.py: the crash is explained, and not by a hint at the mode that is on", () => {
  const { status, stderr } = run(
    "--malloc",
    "debug",
    "--stacks",
    "examples/mistakes/reference_too_few.py",
  );
  assert.equal(status, 139);
  const at = stderr.indexOf("pymalloc: the interpreter crashed: ");
  assert.ok(at >= 0);
  const explanation = stderr.slice(at);
  assert.match(
    explanation,
    /\n {2}item 7 of the list at 0x\w+ is the block of .* which was freed\n/,
  );
  assert.match(
    explanation,
    /allocated here:\n {2}File ".*reference_too_few\.py", line 15 in <module>\n/,
  );
  assert.match(
    explanation,
    /freed here:\n {2}File ".*reference_too_few\.py", line 16 in <module>\n/,
  );
  assert.doesNotMatch(explanation, /--malloc debug|<pymalloc run>/);
});

/** Without what is another number each time. */
function plain(text: string): string {
  return text.replace(/0x[0-9a-f]{6,8}\b/g, "0x1a2b3c8").replace(/call #\d+/g, "call #111000");
}

test("docs/guide/corrupted-heap.md shows what is printed", () => {
  const before = readFileSync(page, "utf8");
  const after = before.replace(
    /<!-- (stacks )?(examples\/mistakes\/\w+\.py) -->\n(\n```\n[\s\S]*?```\n)?/g,
    (_, stacks: string | undefined, program: string) => {
      const options = ["--malloc", "debug", ...(stacks === undefined ? [] : ["--stacks"])];
      const { stdout, stderr } = run(...options, program);
      const command = `$ npx pymalloc run ${options.join(" ")} ${program}\n`;
      const heading = `<!-- ${stacks ?? ""}${program} -->\n`;
      return `${heading}\n\`\`\`\n${command}${(stdout + stderr).replaceAll(`${folder}/`, "")}\`\`\`\n`;
    },
  );
  if (process.env["UPDATE_DOCS"]) writeFileSync(page, after);
  else assert.equal(plain(before), plain(after));
  // Those that are run here, and one that an interpreter writes itself (test/link/pydebug-command.test.ts).
  assert.equal([...after.matchAll(/^PyMemError: /gm)].length, 8 + 1);
});
